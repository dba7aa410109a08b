import { replay } from '../../functions/src/engine/event-log.ts';
import { readState } from '../../functions/src/engine/versioned-state.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import { createInstance } from './instance.ts';
import type { Instance } from './instance.ts';
import { entityOf, EVENTS, LOG_ROOT, REDUCER, SNAPSHOTS } from './state-notes.ts';
import { remoteLog, remoteState } from './state-stores.ts';
import type { StateWorld } from './state-world.ts';
import { NAMESPACE } from './world.ts';

/** A process that reads the past and replays the log again and again, and another after each crash. */
export function keepReading(world: StateWorld, entities: readonly string[], generation = 1): void {
  const { scheduler, dice } = world;
  const instance = createInstance(world, `reader.${generation}`);
  instance.whenDead.add(() => {
    scheduler.after(dice.between(100, 5_000), undefined, () =>
      keepReading(world, entities, generation + 1),
    );
  });
  const everyMs = dice.pick([100, 1_500]);
  async function round(): Promise<void> {
    if (!world.faults.active()) return;
    await readThePast(world, instance, dice.pick(entities)).catch(ifAway);
    await replayOnce(world, instance).catch(ifAway);
    later();
  }
  function later(): void {
    scheduler.after(dice.between(0, 2 * everyMs), instance, () => void round());
  }
  later();
}

async function readThePast(world: StateWorld, instance: Instance, name: string): Promise<void> {
  const { dice, noted } = world;
  const entity = entityOf(name);
  const times = [...noted.versions(entity.id).map(({ at }) => at), world.storeNow() - 1];
  const near = dice.pick(times) - dice.pick([0, 0, 1, dice.whole(1, 20_000)]);
  const time = Math.min(near, world.storeNow() - 1);
  const { timesSet } = world;
  const store = remoteState(world, instance);
  const version = (await readState(store, entity, { asOf: time }))?.version ?? 0;
  // Where the clock was set meanwhile, that time may be yet to come.
  if (instance.dead || timesSet !== world.timesSet) return;
  world.meet('read as of');
  noted.asOf.push({ entity: entity.id, time, version });
  const right = noted.versionAsOf(entity.id, time);
  if (version !== right) world.watch.broken(`As of ${time} it was ${right}, not ${version}.`);
}

/** Whatever happens meanwhile, a replay has every event that was there when it began, each once. */
async function replayOnce(world: StateWorld, instance: Instance): Promise<void> {
  const { noted, watch } = world;
  const before = [...noted.appended];
  const log = remoteLog(world, instance);
  const at = { log, events: EVENTS, namespace: NAMESPACE, root: LOG_ROOT };
  const { state, covered } = await replay(at, REDUCER, { snapshots: SNAPSHOTS });
  if (instance.dead) return;
  world.meet('replay');
  const taken = new Set(state.ids);
  const lost = before.find((id) => !taken.has(id));
  if (lost !== undefined) watch.broken(`A replay has lost ${lost}.`);
  if (taken.size !== state.ids.length) watch.broken('A replay has taken an event twice.');
  if (covered !== state.ids.length)
    watch.broken(`It has ${taken.size} events, and says ${covered}.`);
}

function ifAway(error: unknown): void {
  if (!(error instanceof StoreAway)) throw error;
}
