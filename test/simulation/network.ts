import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { Dice } from './dice.ts';
import type { CallFault, Channel } from './faults.ts';
import { crash, freeze } from './instance.ts';
import type { Instance } from './instance.ts';
import type { World } from './world.ts';

/** After this long clients give up on an answer by themselves. */
const CLIENT_TIMEOUT_MS = 60_000;
/** No request reaches a provider later than this after it was sent. */
export const EFFECT_TIMEOUT_MS = 4_000;

interface Passage {
  /** When the call is carried out, from now; absent: never. */
  readonly applied?: number;
  /** When it is carried out once more. */
  readonly again?: number;
  readonly answered: number;
  /** The caller is told that nobody knows. */
  readonly unknown?: true;
}

/**
 * A call from a process to something outside it, with whatever the run's faults make of it. What is
 * sent is carried out even if the caller is gone; what comes back to a dead caller is nobody's.
 */
export function remote<T>(
  world: World,
  caller: Instance,
  to: Channel,
  what: string,
  perform: () => T,
): Promise<T> {
  if (caller.dead) return new Promise(() => {});
  const fault = world.faults.onCall(to, caller.mayCrash);
  if (fault) world.trace.note(caller.name, `${to} ${what} ✗ ${fault}`);
  if (fault === 'freeze') freeze(world, caller);
  if (fault === 'crash_before' || fault === 'crash_after') crash(world, caller);
  if (fault === 'crash_before') return new Promise(() => {});

  const passage = passageOf(world, to, fault);
  let outcome: Outcome<T> = { kind: 'unknown' };
  function transit(ms: number | undefined, keepsAnswer: boolean): void {
    if (ms === undefined) return;
    world.inTransit += 1;
    world.scheduler.after(ms, undefined, () => {
      world.inTransit -= 1;
      const applied = outcomeOf(perform);
      if (keepsAnswer && passage.unknown !== true) outcome = applied;
    });
  }
  transit(passage.applied, true);
  transit(passage.again, true);
  return new Promise((resolve, reject) => {
    world.scheduler.after(passage.answered, caller, () => {
      if (outcome.kind === 'value') resolve(outcome.value);
      else if (outcome.kind === 'error') reject(outcome.error);
      else reject(unknownOutcome(to, what));
    });
  });
}

type Outcome<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: Error }
  | { readonly kind: 'unknown' };

function outcomeOf<T>(perform: () => T): Outcome<T> {
  try {
    return { kind: 'value', value: perform() };
  } catch (error) {
    return { kind: 'error', error: error as Error };
  }
}

function passageOf(world: World, to: Channel, fault: CallFault | undefined): Passage {
  const { dice } = world;
  const there = usualMs(dice, to);
  const back = usualMs(dice, to);
  const late = dice.between(100, to === 'provider' ? EFFECT_TIMEOUT_MS : 12_000);
  if (to === 'store' && world.storeAwayUntil > world.scheduler.now()) {
    return { answered: dice.chance(0.7) ? there : CLIENT_TIMEOUT_MS, unknown: true };
  }
  switch (fault) {
    case 'slow':
      return dice.chance(0.5)
        ? { applied: late, answered: late + back }
        : { applied: there, answered: there + dice.between(100, 12_000) };
    case 'answer_lost':
      return { applied: there, answered: there + dice.between(1, 3_000), unknown: true };
    case 'never_applied':
      return { answered: dice.between(1, 3_000), unknown: true };
    case 'applied_late':
      return { applied: late, answered: dice.between(1, late), unknown: true };
    case 'unanswered':
      return {
        ...(dice.chance(0.5) && { applied: there }),
        answered: CLIENT_TIMEOUT_MS,
        unknown: true,
      };
    case 'repeated': {
      const again = there + dice.between(1, 2_000);
      return { applied: there, again, answered: again + back };
    }
    case 'crash_after':
      return { applied: dice.chance(0.5) ? there : late, answered: late };
    default:
      return { applied: there, answered: there + back };
  }
}

/** One way, when nothing is wrong. Providers are slower than stores. */
function usualMs(dice: Dice, to: Channel): number {
  if (to === 'self') return dice.between(0, 3);
  if (to === 'provider' && dice.chance(0.3)) return dice.between(100, EFFECT_TIMEOUT_MS);
  return dice.between(0.5, 15);
}

function unknownOutcome(to: Channel, what: string): Error {
  if (to === 'store') return new StoreAway(`No usable answer to ${what}.`);
  return Object.assign(new Error(`Connection reset during ${what}.`), { code: 'ECONNRESET' });
}
