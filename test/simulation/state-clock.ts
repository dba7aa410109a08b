import { createLogicalClock } from '../../functions/src/engine/logical-time.ts';
import type { LogicalTimeStore } from '../../functions/src/ports/logical-time.ts';
import type { Instance } from './instance.ts';
import { callStore } from './state-stores.ts';
import type { StateWorld } from './state-world.ts';
import { NAMESPACE } from './world.ts';

/** So few that blocks end all the time. */
const BLOCK = 4;

/** A process's logical time for what it does now: later than all that it can know of. */
export function logicalTimeOf(world: StateWorld, instance: Instance): () => Promise<number> {
  const store = remoteTimes(world, instance);
  const clock = createLogicalClock({
    reserve: (size, after) => store.reserveBlock(NAMESPACE, size, after),
    blockSize: BLOCK,
  });
  const { given } = world;
  let last = Math.max(0, ...given);

  return async () => {
    const received = world.receives ? Math.max(0, ...given) : undefined;
    const known = Math.max(last, received ?? 0);
    const time = await (received === undefined ? clock.tick() : clock.receive(received));
    if (instance.dead) return time;
    world.meet(received === undefined ? 'time ticked' : 'time received');
    if (time <= known) world.watch.broken(`Logical time ${time} is not later than ${known}.`);
    const twice = !world.receives && given.has(time);
    if (twice) world.watch.broken(`Logical time ${time} was given twice.`);
    given.add(time);
    last = Math.max(last, time);
    return time;
  };
}

function remoteTimes(world: StateWorld, instance: Instance): LogicalTimeStore {
  const { times, mutant } = world;
  const store: LogicalTimeStore = {
    reserveBlock: (...asked) =>
      callStore(world, instance, 'reserve block', () => times.reserveBlock(...asked)),
    close: async () => {},
  };
  return mutant.times?.(store) ?? store;
}
