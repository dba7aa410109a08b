import { RetryableError, StoreAway } from '../operation/errors.ts';
import type { AppendAnswer, EventLog } from '../ports/event-log.ts';
import { decodeCanonical, encodeCanonical } from '../token/canonical.ts';
import type { Namespace, Token } from '../token/token.ts';
import {
  APPEND_MAX_BYTES,
  APPEND_MAX_EVENTS,
  EVENT_MAX_BYTES,
  startFold,
} from '../workflow/event.ts';
import type {
  EventPosition,
  LoggedEvent,
  Reducer,
  Snapshot,
  StoredEvent,
} from '../workflow/event.ts';
import type { EventOf, EventTypes, NewEventOf } from './define-events.ts';
import { decodeAs, encodeAs } from './versioned-schema.ts';

const PAGE_EVENTS = 300;

/** A workflow's events: where they are kept, and what they may be. */
export interface EventsAt<Types extends EventTypes> {
  readonly log: EventLog;
  readonly events: Types;
  readonly namespace: Namespace;
  readonly root: Token;
}

/**
 * Appends events, all of them or none. Those whose token the log holds already fold away, so that
 * appending again after a crash or a lost answer adds nothing.
 *
 * @throws {RetryableError} `schema_misfit` naming the event whose data its schema refuses
 * @throws {RangeError} for more than one commit holds: 500 events, 8 MiB
 */
export async function appendEvents<Types extends EventTypes>(
  { log, events, namespace, root }: EventsAt<Types>,
  news: readonly NewEventOf<Types>[],
): Promise<AppendAnswer> {
  const logged = news.map((event) => loggedEvent(events, event));
  const bytes = logged.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  if (logged.length > APPEND_MAX_EVENTS || bytes > APPEND_MAX_BYTES) {
    throw new RangeError(
      `One append holds at most ${APPEND_MAX_EVENTS} events and ${APPEND_MAX_BYTES} bytes, not ` +
        `${logged.length} and ${bytes}. Append in parts: each is all or nothing for itself.`,
    );
  }
  return logged.length === 0 ? { fresh: [] } : log.append(namespace, root, logged);
}

/** All events after a position, in the log's order. */
export async function* readEvents<Types extends EventTypes>(
  at: EventsAt<Types>,
  after?: EventPosition,
): AsyncGenerator<EventOf<Types>> {
  for await (const stored of storedEvents(at, after)) yield eventOf(at.events, stored);
}

export interface SnapshotPolicy {
  /** The reducer's name. Its snapshots are found by it. */
  readonly name: string;
  /** Raise it whenever the reducer or an upcaster comes to other states: older snapshots are not used then. */
  readonly version: number;
  /** Keep one each time that so many events have been taken in. */
  readonly every: number;
}

export interface Replayed<State> {
  readonly state: State;
  /** The last event taken in; absent for an empty log. */
  readonly position?: EventPosition;
  /** Events taken in, each token once: as many as the log holds up to there. */
  readonly covered: number;
}

/**
 * The state that a reducer comes to from a root's events, in their order, each token once. With
 * snapshots it goes on from the last one that holds, and reads only the events after it; where an event
 * was appended behind a snapshot, it begins anew. States must have a canonical form to be kept; one
 * over 700 KiB is not kept, and the replay reads everything.
 *
 * @throws {RetryableError} `schema_newer` for an event that only a newer build knows
 */
export async function replay<Types extends EventTypes, State>(
  at: EventsAt<Types>,
  reducer: Reducer<State, EventOf<Types>>,
  { snapshots }: { readonly snapshots?: SnapshotPolicy } = {},
): Promise<Replayed<State>> {
  const { log, namespace, root } = at;
  const name = snapshots && snapshotName(snapshots);
  const kept = name === undefined ? undefined : await log.loadSnapshot(namespace, root, name);
  const fold = startFold(reducer, kept && (decodeCanonical(kept.text) as State));
  let { position, covered } = kept ?? { position: undefined, covered: 0 };
  let next: Snapshot | undefined;

  for await (const stored of storedEvents(at, position)) {
    if (!fold.take(eventOf(at.events, stored))) continue;
    position = { logicalTime: stored.logicalTime, token: stored.token };
    covered += 1;
    if (snapshots && covered % snapshots.every === 0) {
      next = { position, covered, text: encodeCanonical(fold.state) };
    }
  }
  if (name !== undefined && next) await keep(at, name, next);
  return { state: fold.state, covered, ...(position && { position }) };
}

async function keep(
  { log, namespace, root }: EventsAt<EventTypes>,
  name: string,
  snapshot: Snapshot,
): Promise<void> {
  if (Buffer.byteLength(snapshot.text) > EVENT_MAX_BYTES) return;
  try {
    await log.saveSnapshot(namespace, root, name, snapshot);
  } catch (error) {
    // The state is right without it; the next replay reads more, and tries again.
    if (!(error instanceof StoreAway)) throw error;
  }
}

async function* storedEvents(
  { log, namespace, root }: Pick<EventsAt<EventTypes>, 'log' | 'namespace' | 'root'>,
  from?: EventPosition,
): AsyncGenerator<StoredEvent> {
  let after = from;
  for (;;) {
    const page = await log.read(namespace, root, { limit: PAGE_EVENTS, ...(after && { after }) });
    yield* page.events;
    if (!page.next) return;
    after = page.next;
  }
}

function loggedEvent<Types extends EventTypes>(
  { types }: Types,
  { type, data, token, logicalTime }: NewEventOf<Types>,
): LoggedEvent {
  const versioned = types.get(type);
  if (!versioned) throw new RangeError(`${type} is no event of this log. Define it first.`);
  if (!Number.isSafeInteger(logicalTime) || logicalTime < 0) {
    throw new RangeError(
      `${type} ${token} has no logical time: ${logicalTime} is no whole number.`,
    );
  }
  const text = encodeAs(versioned, `The data of ${type} ${token}`, data, EVENT_MAX_BYTES);
  return { type, schemaVersion: versioned.schemaVersion, text, token, logicalTime };
}

function eventOf<Types extends EventTypes>({ types }: Types, stored: StoredEvent): EventOf<Types> {
  const { type, token, logicalTime, at } = stored;
  const versioned = types.get(type);
  if (!versioned) {
    throw new RetryableError(
      'schema_newer',
      `The log holds ${type} ${token}, which this build has no definition for. Deploy the build that ` +
        'appended it here too, and keep definitions for as long as their events are kept.',
    );
  }
  const data = decodeAs(versioned, `The data of ${type} ${token}`, stored);
  return { type, data, token, logicalTime, at } as EventOf<Types>;
}

function snapshotName({ name, version, every }: SnapshotPolicy): string {
  if (name !== '' && Number.isSafeInteger(version) && Number.isSafeInteger(every) && every >= 1) {
    return `${name}@${version}`;
  }
  throw new RangeError('Snapshots need a name, a whole version, and a whole `every` from 1.');
}
