import type { EventLog } from '../../functions/src/ports/event-log.ts';
import type { EventPosition, Snapshot, StoredEvent } from '../../functions/src/workflow/event.ts';
import { comparePositions } from '../../functions/src/workflow/event.ts';
import { unlessAway, unlike } from './state-mutants.ts';
import { LOG_ROOT } from './state-notes.ts';
import type { StateMutant, StateWorld } from './state-world.ts';
import { NAMESPACE } from './world.ts';

/** One broken rule of the event log each. Every one of them must be noticed. */
export const LOG_MUTANTS: readonly StateMutant[] = [
  {
    name: 'duplicate-not-folded',
    breaks: 'an append that is made again adds its events again',
    log: (log, { world: { dice } }) => ({
      ...log,
      append: (namespace, root, events) =>
        log.append(
          namespace,
          root,
          events.map((event) => ({ ...event, token: unlike(event.token, dice.random()) })),
        ),
    }),
  },
  {
    name: 'append-in-parts',
    breaks: 'an append is a commit for each event',
    log: (log) => ({
      ...log,
      async append(namespace, root, events) {
        for (const event of events) await log.append(namespace, root, [event]);
        return { fresh: [] };
      },
    }),
  },
  {
    name: 'unknown-is-appended',
    breaks: 'an append without an answer counts as made',
    log: (log) => ({
      ...log,
      append: async (...asked) => (await log.append(...asked).catch(unlessAway)) ?? { fresh: [] },
    }),
  },
  {
    name: 'events-by-arrival',
    breaks: 'events of one page come in the order of their appends',
    log: (log) => ({
      ...log,
      async read(...asked) {
        const page = await log.read(...asked);
        return { ...page, events: page.events.toSorted((a, b) => a.at - b.at) };
      },
    }),
  },
  {
    name: 'snapshot-counts-the-log',
    breaks: 'a snapshot says that it covers what the log holds, not what it has taken in',
    log: (log) => ({
      ...log,
      async saveSnapshot(namespace, root, reducer, snapshot) {
        const all = await wholeLog(log);
        const upTo = all.filter((event) => comparePositions(event, snapshot.position) <= 0);
        const covered = upTo.length;
        return log.saveSnapshot(namespace, root, reducer, { ...snapshot, covered });
      },
    }),
  },
  {
    name: 'snapshot-covers-too-much',
    breaks: 'a snapshot says that it reaches to the end of the log',
    log: (log) => ({
      ...log,
      async saveSnapshot(namespace, root, reducer, snapshot) {
        const events = await wholeLog(log);
        const position = events.at(-1) ?? snapshot.position;
        return log.saveSnapshot(namespace, root, reducer, {
          text: snapshot.text,
          position: { logicalTime: position.logicalTime, token: position.token },
          covered: events.length,
        });
      },
    }),
  },
  {
    name: 'snapshot-unchecked',
    breaks: 'a snapshot is used though an event was appended behind it',
    log: (log, { world }) => ({
      ...log,
      async saveSnapshot(...asked) {
        await log.saveSnapshot(...asked);
        lastKept.set(world, asked[3]);
      },
      loadSnapshot: async () => lastKept.get(world),
    }),
  },
];

const lastKept = new WeakMap<StateWorld, Snapshot>();

async function wholeLog(log: EventLog): Promise<StoredEvent[]> {
  const all: StoredEvent[] = [];
  for (let after: EventPosition | undefined, first = true; first || after; first = false) {
    const page = await log.read(NAMESPACE, LOG_ROOT, { limit: 300, ...(after && { after }) });
    all.push(...page.events);
    after = page.next;
  }
  return [...new Map(all.map((event) => [event.token, event])).values()];
}
