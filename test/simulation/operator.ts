import { isTerminal } from '../../functions/src/operation/record.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { Override } from '../../functions/src/ports/token-store.ts';
import { encodeCanonical } from '../../functions/src/token/canonical.ts';
import { documentId } from '../../functions/src/token/token.ts';
import { createInstance, sleep } from './instance.ts';
import type { Instance } from './instance.ts';
import { EFFECT_TIMEOUT_MS } from './network.ts';
import { LONG_LEASE_MS } from './leases.ts';
import { remoteStore } from './store.ts';
import type { World } from './world.ts';

/** Nothing that an operation had started can still turn into an effect after so long. */
export const SURE_AFTER_MS = LONG_LEASE_MS + EFFECT_TIMEOUT_MS + 1_000;

/** A person who looks in now and then, and intervenes where the record allows it. */
export function keepOperating(world: World): void {
  const instance = createInstance(world, 'person', false);
  void operate(world, instance);
}

async function operate(world: World, instance: Instance): Promise<void> {
  const { dice, faults, table, watch } = world;
  const everyMs = dice.pick([2_000, 15_000]);
  while (faults.active()) {
    await sleep(world, instance, everyMs + dice.between(0, everyMs));
    const operations = [...table.all()];
    const unsettled = operations.filter(({ record }) => !isTerminal(record));
    const choice = unsettled.length > 0 && dice.chance(0.7) ? unsettled : operations;
    if (choice.length === 0) continue;
    const found = dice.pick(choice);
    const override = interventionFor(world, found);
    if (!override) continue;
    const { record } = found;
    const task = watch.taskOf(record);
    world.trace.note(instance.name, `wants to ${override.verb}`, task && world.labelOf(task));
    try {
      const request = { override, actor: 'somebody', reason: 'looked at it' };
      await remoteStore(world, instance).override(record.namespace, record.token, request);
      if (override.verb.startsWith('resolve') && task && dice.chance(0.5)) world.queue.put(task);
    } catch {
      // The store is away: the person comes back another time.
    }
  }
}

function interventionFor(world: World, found: StoredOperation): Override | undefined {
  const { record, updatedAt } = found;
  switch (record.status) {
    case 'claimed':
    case 'released':
      return { verb: 'force_release' };
    case 'in_doubt':
      return world.now() < updatedAt + SURE_AFTER_MS ? undefined : truth(world, found);
    case 'completed':
    case 'failed':
    case 'cancelled':
      return world.dice.pick<Override>([
        { verb: 'extend', byMs: 60_000 },
        { verb: 'hold' },
        { verb: 'purge' },
      ]);
    case 'archived':
      return undefined;
  }
}

/** What the person finds in the provider's books. */
export function truth(world: World, { record }: StoredOperation): Override {
  const key = record.trackingId ?? documentId(record.namespace, record.token);
  const receipt = world.provider.booked(key);
  if (!receipt) return { verb: 'resolve_not_done' };
  return {
    verb: 'resolve_done',
    result: { kind: 'inline', text: encodeCanonical(receipt) },
  };
}
