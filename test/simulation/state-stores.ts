import type { EventLog } from '../../functions/src/ports/event-log.ts';
import type { StateStore } from '../../functions/src/ports/state-store.ts';
import { decodeCanonical } from '../../functions/src/token/canonical.ts';
import type { LoggedEvent, StoredEvent } from '../../functions/src/workflow/event.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import { labelOf, LOG_ROOT } from './state-notes.ts';
import type { StateWorld } from './state-world.ts';
import { NAMESPACE } from './world.ts';

/** The entities' store as one process reaches it, every write watched. */
export function remoteState(world: StateWorld, instance: Instance): StateStore {
  const { state, noted, mutant } = world;
  const call = caller(world, instance);
  const store: StateStore = {
    read: (...asked) => call('read state', () => state.read(...asked)),
    readVersion: (...asked) => call('read version', () => state.readVersion(...asked)),
    readApplied: (...asked) => call('read applied', () => state.readApplied(...asked)),
    readAsOf: (...asked) => call('read as of', () => state.readAsOf(...asked)),
    history: (...asked) => call('history', () => state.history(...asked)),
    write: (namespace, entity, write) =>
      call('write state', async () => {
        const answer = await state.write(namespace, entity, write);
        noted.wrote(entity, write, answer);
        return answer;
      }),
    close: async () => {},
  };
  return mutant.state?.(store, { world, instance }) ?? store;
}

/** The log as one process reaches it, every append watched. */
export function remoteLog(world: StateWorld, instance: Instance): EventLog {
  const { log, mutant } = world;
  const call = caller(world, instance);
  const remoteOne: EventLog = {
    append: (namespace, root, events) =>
      call('append', async () => {
        const answer = await log.append(namespace, root, events);
        await lookAtAppend(world, events, answer.fresh.length);
        return answer;
      }),
    read: (namespace, root, { limit, ...page }) =>
      call('read events', async () => {
        const most = Math.min(limit, world.pageEvents);
        const read = await log.read(namespace, root, { ...page, limit: most });
        return { ...read, events: stuttered(world, read.events) };
      }),
    saveSnapshot: (...asked) => call('save snapshot', () => log.saveSnapshot(...asked)),
    loadSnapshot: (...asked) =>
      call('load snapshot', async () => {
        const found = await log.loadSnapshot(...asked);
        world.meet(found ? 'snapshot used' : 'no snapshot');
        return found;
      }),
    close: async () => {},
  };
  return mutant.log?.(remoteOne, { world, instance }) ?? remoteOne;
}

/** What is carried out is over at once, whatever becomes of the answer. */
export async function callStore<T>(
  world: StateWorld,
  instance: Instance,
  what: string,
  perform: () => Promise<T>,
): Promise<T> {
  return remote(world, instance, 'store', what, () => {
    const done = perform();
    done.catch(() => {});
    return done;
  });
}

function caller(world: StateWorld, instance: Instance) {
  return <T>(what: string, perform: () => Promise<T>): Promise<T> =>
    callStore(world, instance, what, perform);
}

/** An append is all or nothing, and what folds away changes nothing. */
async function lookAtAppend(world: StateWorld, events: readonly LoggedEvent[], fresh: number) {
  const { noted, watch } = world;
  const standing = (await world.log.read(NAMESPACE, LOG_ROOT, { limit: 1_000 })).events.map(idOf);
  for (const { id, of } of events.map(contents)) {
    noted.appended.add(id);
    const label = labelOf(id);
    const there = standing.filter((each) => each.startsWith(`${label}/`));
    if (there.length !== of) watch.broken(`${there.length} of ${of} events are there.`, label);
  }
  if (standing.length !== noted.appended.size) watch.broken('An event is in the log twice.');
  world.meet(fresh > 0 ? 'append fresh' : 'append folded');
}

function stuttered(world: StateWorld, events: readonly StoredEvent[]): readonly StoredEvent[] {
  if (!world.stutters || !world.dice.chance(0.3)) return events;
  world.meet('event handed out twice');
  const at = world.dice.whole(0, Math.max(0, events.length - 1));
  return [...events.slice(0, at + 1), ...events.slice(at)];
}

function contents({ text }: LoggedEvent): { readonly id: string; readonly of: number } {
  return decodeCanonical(text) as { id: string; of: number };
}

export function idOf(event: LoggedEvent): string {
  return contents(event).id;
}
