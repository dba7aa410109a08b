import type { Dice } from './dice.ts';

/** What can go wrong with one call to something outside the process. */
export const CALL_FAULTS = [
  'slow',
  /** Carried out, but the caller is told that nobody knows. */
  'answer_lost',
  'never_applied',
  /** The caller is told that nobody knows; the call arrives after that. */
  'applied_late',
  /** Carried out or not: the caller hears nothing until its client gives up. */
  'unanswered',
  /** The client repeats a call that was carried out, and hears the repetition's answer. */
  'repeated',
  'crash_before',
  'crash_after',
  /** The process stands still, often beyond its lease, and goes on as if nothing had been. */
  'freeze',
] as const;

/** What can go wrong besides. */
export const OTHER_FAULTS = [
  'store_away',
  'duplicate_delivery',
  'late_delivery',
  'lost_ack',
  'ack_deadline_passed',
  'skewed_clock',
  'clock_jump',
] as const;

export type CallFault = (typeof CALL_FAULTS)[number];
export type FaultKind = CallFault | (typeof OTHER_FAULTS)[number];
export type Channel = 'store' | 'queue' | 'blobs' | 'provider' | 'self';

const WITHIN_ONESELF: ReadonlySet<CallFault> = new Set(['slow', 'crash_before', 'freeze']);

export interface Faults {
  /** The fault that befalls this call, if any. */
  onCall(to: Channel, mayCrash: boolean): CallFault | undefined;
  /** Whether a fault of another kind happens now. */
  strikes(kind: (typeof OTHER_FAULTS)[number], probability: number): boolean;
  /** Counts what came about by other faults. */
  happened(kind: FaultKind): void;
  active(): boolean;
  end(): void;
  readonly counts: Map<FaultKind, number>;
  /** How many were injected, for a shorter run that fails alike. */
  injected(): number;
}

const CHANNELS: readonly Channel[] = ['store', 'store', 'queue', 'blobs', 'provider', 'self'];
/** How much oftener the channel fails that a run looks at closely. */
const CLOSELY = 4;

/**
 * Every run has a mix of faults of its own, so that each kind is met alone, with few others and with
 * all, and looks at one channel closely. After `limit` of them nothing goes wrong any more.
 */
export function planFaults(dice: Dice, limit: number): Faults {
  const intensity = dice.pick([0.01, 0.03, 0.06, 0.1, 0.15]);
  const focus = dice.chance(0.6) ? dice.pick(CHANNELS) : undefined;
  const share = dice.between(0.1, 1);
  const mix = CALL_FAULTS.filter(() => dice.chance(share));
  const besides = new Set(OTHER_FAULTS.filter(() => dice.chance(0.7)));
  const counts = new Map<FaultKind, number>();
  let injected = 0;
  let over = false;

  const active = (): boolean => !over && injected < limit;
  const happened = (kind: FaultKind): void => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  };
  function inject<K extends FaultKind>(kind: K): K {
    injected += 1;
    happened(kind);
    return kind;
  }

  return {
    counts,
    active,
    happened,
    injected: () => injected,
    onCall(to, mayCrash) {
      if (!active() || mix.length === 0) return undefined;
      if (!dice.chance(to === focus ? CLOSELY * intensity : intensity)) return undefined;
      const kind = dice.pick(mix);
      if (to === 'self' && !WITHIN_ONESELF.has(kind)) return undefined;
      if (kind === 'repeated' && to !== 'store') return undefined;
      const stops = kind === 'freeze' || kind === 'crash_before' || kind === 'crash_after';
      if (stops && !mayCrash) return undefined;
      return inject(kind);
    },
    strikes(kind, probability) {
      if (!active() || !besides.has(kind) || !dice.chance(probability)) return false;
      inject(kind);
      return true;
    },
    end() {
      over = true;
    },
  };
}
