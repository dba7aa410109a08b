import type { Reconciliation } from '../../functions/src/engine/step.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import type { World } from './world.ts';

/**
 * How a provider treats a second request under one key.
 *
 * - `replays`: answers the first one's receipt.
 * - `refuses`: says that the key is used.
 * - `repeats`: does it again, but can be asked what became of a key.
 * - `forgets`: does it again, and can't be asked.
 */
export type Manners = 'replays' | 'refuses' | 'repeats' | 'forgets';

export interface Receipt {
  readonly label: string;
  readonly effect: number;
}

export class Declined extends Error {
  override readonly name = 'Declined';
}

export interface Order {
  readonly manners: Manners;
  readonly key: string;
  readonly label: string;
  readonly declines: boolean;
}

export interface Provider {
  send(caller: Instance, order: Order): Promise<Receipt>;
  status(caller: Instance, order: Order): Promise<Reconciliation<Receipt>>;
  /** What became of a key, for a person who looks. */
  booked(key: string): Receipt | undefined;
  /** Effects of a task, in order. */
  effects(label: string): readonly Receipt[];
}

export function createProvider(world: World): Provider {
  const byLabel = new Map<string, Receipt[]>();
  const byKey = new Map<string, Receipt>();
  let count = 0;

  function carryOut({ manners, key, label, declines }: Order): Receipt {
    if (declines) throw new Declined('The provider declines.');
    const known = byKey.get(key);
    if (known && manners === 'replays') return known;
    if (known && manners === 'refuses') throw new Error('This tracking id has been used.');
    count += 1;
    const receipt = { label, effect: count };
    const effects = byLabel.get(label) ?? [];
    byLabel.set(label, effects);
    effects.push(receipt);
    if (!known) byKey.set(key, receipt);
    world.trace.note('provider', `has effect ${count}`, label);
    return receipt;
  }

  return {
    booked: (key) => byKey.get(key),
    effects: (label) => byLabel.get(label) ?? [],
    send: (caller, order) => remote(world, caller, 'provider', 'send', () => carryOut(order)),
    status: (caller, { key, label }) =>
      remote(world, caller, 'provider', 'status', (): Reconciliation<Receipt> => {
        const known = byKey.get(key);
        world.trace.note('provider', `says ${known ? 'committed' : 'absent'}`, label);
        return known ? { state: 'committed', result: known } : { state: 'absent' };
      }),
  };
}
