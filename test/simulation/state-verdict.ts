import { replay } from '../../functions/src/engine/event-log.ts';
import type { EntityId } from '../../functions/src/workflow/state.ts';
import { stateHistory } from '../../functions/src/engine/versioned-state.ts';
import { createInstance } from './instance.ts';
import { entityOf, eventId, EVENTS, LOG_ROOT, noted, REDUCER, SNAPSHOTS } from './state-notes.ts';
import type { Note, NoteParams, Taken, Tally } from './state-notes.ts';
import { remoteLog } from './state-stores.ts';
import type { Noted } from './state-steps.ts';
import type { StateWorld } from './state-world.ts';
import { NAMESPACE } from './world.ts';

/** What must be true once all has come to rest, and nothing goes wrong any more. */
export async function judgeState(world: StateWorld, entities: readonly string[]): Promise<void> {
  const tasks = new Map(world.queue.messages().map(({ task }) => [task.token, task]));
  const params = [...tasks.values()].map((task) => task.params as NoteParams);
  const notes = new Map(params.flatMap((each) => each.notes).map((note) => [note.id, note]));
  for (const name of entities) await judgeHistory(world, name, notes);
  judgeTasks(world);
  await judgeAsOf(world);
  await judgeLog(world);
}

/** The history is what was committed, and each version is the one before it with one update more. */
async function judgeHistory(
  world: StateWorld,
  name: string,
  notes: ReadonlyMap<string, Note>,
): Promise<void> {
  const { watch, state } = world;
  const entity = entityOf(name);
  const { versions } = await stateHistory(state, entity, { limit: 1_000 });
  const committed = world.noted.versions(entity.id);
  if (versions.length !== committed.length) {
    watch.broken(`${name} has ${versions.length} versions of ${committed.length} committed ones.`);
  }
  const met = new Set<string>();
  let value: Tally | undefined;
  for (const [index, found] of versions.entries()) {
    if (found.error) return watch.broken(found.error.message);
    const { last } = found.value;
    const note = notes.get(last);
    if (found.version !== index + 1) watch.broken(`Version ${index + 1} of ${name} is missing.`);
    if (met.has(last)) watch.broken(`${last} was applied twice.`);
    met.add(last);
    value = note && noted(value, note);
    if (value?.chain !== found.value.chain || value.count !== found.value.count) {
      watch.broken(`Version ${found.version} of ${name} is not the fold of all updates.`);
    }
  }
}

/** An update is in the history if and only if its task was not refused. */
function judgeTasks(world: StateWorld): void {
  const applied = new Map<string, number>();
  for (const entity of world.noted.entities()) {
    for (const { value, version } of world.noted.versions(entity)) applied.set(value.last, version);
  }
  for (const { record } of world.table.all()) {
    const params = world.watch.taskOf(record)?.params as NoteParams;
    const { label, notes, events } = params;
    const versions = notes.map(({ id }) => applied.get(id));
    const logged = events.filter((_, index) => world.noted.appended.has(eventId(label, index)));
    world.meet(`task ${record.status}`);
    if (record.status === 'failed') {
      if (record.error.code !== 'full')
        world.watch.broken(`It failed: ${record.error.message}`, label);
      if (versions.some((version) => version !== undefined) || logged.length > 0) {
        world.watch.broken('It was refused, and has been applied.', label);
      }
    } else if (record.status === 'completed' && record.result.kind === 'inline') {
      const told = (JSON.parse(record.result.text) as Noted).versions;
      if (told.join() !== versions.join()) {
        world.watch.broken(`It says ${told.join()}, and made ${versions.join()}.`, label);
      }
      if (logged.length !== events.length) world.watch.broken('Its events are not there.', label);
    }
  }
}

/** A time that has passed stays as it was. */
async function judgeAsOf({ noted: { asOf, versionAsOf }, state, watch }: StateWorld) {
  const judged = async (entity: EntityId, time: number) =>
    (await state.readAsOf(NAMESPACE, entity, time))?.version ?? 0;
  for (const { entity, time, version } of asOf) {
    const now = await judged(entity, time);
    if (now !== version) watch.broken(`As of ${time}, ${entity} was ${version} and is ${now} now.`);
    if (now !== versionAsOf(entity, time)) watch.broken(`As of ${time} ${entity} is not ${now}.`);
  }
}

/** The whole log, and what a replay from the kept snapshot comes to. */
async function judgeLog(world: StateWorld): Promise<void> {
  const { noted: watched, watch, log } = world;
  const whole = { log, events: EVENTS, namespace: NAMESPACE, root: LOG_ROOT };
  const full = (await replay(whole, REDUCER)).state;
  if (full.ids.toSorted().join() !== [...watched.appended].toSorted().join()) {
    watch.broken(`A replay has ${full.ids.length} events of ${watched.appended.size}.`);
  }
  const asProcess = remoteLog(world, createInstance(world, 'judge', false));
  let kept: Taken | undefined;
  const replayed = replay({ ...whole, log: asProcess }, REDUCER, { snapshots: SNAPSHOTS });
  void replayed.then(({ state }) => (kept = state));
  await world.scheduler.runUntil(() => kept !== undefined);
  if (kept?.chain !== full.chain || kept.ids.join() !== full.ids.join()) {
    watch.broken('A replay from the snapshot comes to another state than the whole one.');
  }
}
