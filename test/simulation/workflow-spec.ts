import type { Dice } from './dice.ts';
import { ACTIONS } from './steps.ts';
import type { Action, Mood } from './steps.ts';

/** One saga of a run: what it is made of, and what is to befall it. */
export interface SagaSpec {
  /** `s1`; its workflow is named `saga.s1`. */
  readonly label: string;
  readonly stages: readonly (readonly MemberSpec[])[];
  readonly deadlineMs?: number;
  /** From the start of the run: when a person cancels it. */
  readonly cancelledAtMs?: number;
  /** Its params are built from results that may not be there, too. */
  readonly curious: boolean;
}

export interface MemberSpec {
  readonly name: string;
  /** `s1.a`: its task's name in traces, and at the provider. */
  readonly label: string;
  readonly action: Action;
  readonly mood: Mood;
  readonly undo?: UndoSpec;
  readonly deadlineMs?: number;
  /** Its result is too large to be kept in the workflow's document. */
  readonly bulky: boolean;
  /** From the start of the run: until then its params can't be built, or fit nothing. */
  readonly mendedAtMs: number;
  readonly misfit: boolean;
  /** Fewer than the step's own. */
  readonly maxAttempts?: number;
}

export interface UndoSpec {
  readonly label: string;
  readonly action: Action;
  readonly mood: Mood;
  /** The provider declines it until a person has seen to that. */
  readonly stubborn: boolean;
}

/** Retrying, slow and doubtful as they come; what fails for good is dealt out by the saga. */
const FORWARD_MOODS: readonly Mood[] = [
  ...Array.from({ length: 9 }, () => 'well' as const),
  'flaky',
  'refused',
  'breaks',
  'hasty',
  'long',
  'overtime',
];
const UNDO_MOODS: readonly Mood[] = ['well', 'well', 'well', 'flaky', 'refused', 'hasty', 'long'];
const NAMES = 'abcdefghijklmnop';

/** `spanMs`: within which the run's faults happen. */
export function specSaga(dice: Dice, label: string, spanMs: number): SagaSpec {
  const sizes = Array.from({ length: dice.whole(1, 4) }, () =>
    dice.chance(0.4) ? dice.whole(2, 4) : 1,
  );
  const count = sizes.reduce((sum, size) => sum + size, 0);
  const failing = dice.chance(0.45) ? dice.whole(0, count - 1) : undefined;
  const curious = dice.chance(0.3);
  let index = 0;
  const stages = sizes.map((size) =>
    Array.from({ length: size }, () => {
      const member = specMember(dice, label, NAMES[index] ?? 'z', index === failing);
      index += 1;
      return member;
    }),
  );
  return {
    label,
    stages,
    curious,
    ...(dice.chance(0.15) && { deadlineMs: dice.whole(5_000, spanMs) }),
    ...(dice.chance(0.25) && { cancelledAtMs: dice.between(0, 0.8 * spanMs) }),
  };
}

function specMember(dice: Dice, saga: string, name: string, fails: boolean): MemberSpec {
  const label = `${saga}.${name}`;
  const large = dice.chance(0.02) ? 'large' : undefined;
  const odd = dice.chance(0.03) ? 'odd' : undefined;
  const action = dice.pick(ACTIONS);
  // The others are in doubt only once all of the step's attempts are used up.
  const fewer = (action === 'sim.think' || action === 'sim.mail') && dice.chance(0.2);
  return {
    name,
    label,
    action,
    mood: fails ? 'declined' : (large ?? odd ?? dice.pick(FORWARD_MOODS)),
    bulky: dice.chance(0.1),
    mendedAtMs: dice.chance(0.06) ? dice.between(0, 120_000) : 0,
    misfit: dice.chance(0.5),
    ...(fewer && { maxAttempts: dice.whole(1, 4) }),
    ...(dice.chance(0.75) && { undo: specUndo(dice, label) }),
    ...(dice.chance(0.1) && { deadlineMs: dice.whole(200, 30_000) }),
  };
}

function specUndo(dice: Dice, of: string): UndoSpec {
  const action = dice.pick(ACTIONS);
  const stubborn = action !== 'sim.think' && dice.chance(0.15);
  return { label: `${of}.undo`, action, mood: dice.pick(UNDO_MOODS), stubborn };
}

/** The saga that a task's label belongs to. */
export function sagaOf(label: string): string {
  return label.split('.')[0] ?? label;
}
