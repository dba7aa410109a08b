import { digestOf } from '../token/hash.ts';
import type { Namespace, Token } from '../token/token.ts';

/** An event's place in its root's log, which is ordered by logical time, then by token. */
export interface EventPosition {
  readonly logicalTime: number;
  readonly token: Token;
}

/** An event as it is written: `token` tells it from all others of its root. */
export interface LoggedEvent extends EventPosition {
  readonly type: string;
  readonly schemaVersion: number;
  /** Canonical text of its data. */
  readonly text: string;
}

/** An event as it is read. */
export interface StoredEvent extends LoggedEvent {
  /** Store time of its append, in epoch milliseconds. Says nothing of the order. */
  readonly at: number;
}

/** A state that a reducer came to, and what it had taken in. */
export interface Snapshot {
  /** Every event up to here, this one included, is in the state. */
  readonly position: EventPosition;
  /** How many those were. */
  readonly covered: number;
  /** The state's canonical text. */
  readonly text: string;
}

/** Derives a state from events. Pure: it is run again on every replay. */
export interface Reducer<State, Event> {
  readonly initial: State;
  apply(state: State, event: Event): State;
}

/** A state on its way through the events. */
export interface Fold<State, Event> {
  readonly state: State;
  /** Whether it was taken in: not where its token was before. */
  take(event: Event): boolean;
}

/** The most that one event's text, or a snapshot's, may take. */
export const EVENT_MAX_BYTES = 700 * 1024;

/** The most that one append may hold. It is one commit, which Firestore limits to 10 MiB. */
export const APPEND_MAX_EVENTS = 500;
export const APPEND_MAX_BYTES = 8 * 1024 * 1024;

/** Negative where `a` comes before `b`. Tokens are ASCII, so every store orders them so too. */
export function comparePositions(a: EventPosition, b: EventPosition): number {
  if (a.logicalTime !== b.logicalTime) return a.logicalTime - b.logicalTime;
  if (a.token === b.token) return 0;
  return a.token < b.token ? -1 : 1;
}

/** The first event of each token. */
export function foldDuplicates<Event extends { readonly token: Token }>(
  events: readonly Event[],
): Event[] {
  const first = new Map<Token, Event>();
  for (const event of events) if (!first.has(event.token)) first.set(event.token, event);
  return [...first.values()];
}

/**
 * Takes events into a state, each token once, whatever the log hands out twice. Begins with a copy of
 * `from`, so that a reducer that changes its state in place spoils no other replay.
 */
export function startFold<State, Event extends { readonly token: Token }>(
  reducer: Reducer<State, Event>,
  from: State = reducer.initial,
): Fold<State, Event> {
  const met = new Set<Token>();
  let state = structuredClone(from);
  return {
    get state() {
      return state;
    },
    take(event) {
      if (met.has(event.token)) return false;
      met.add(event.token);
      state = reducer.apply(state, event);
      return true;
    },
  };
}

/** The id of an event's document. One token of a root, one document: it can't be appended twice. */
export function eventDocumentId(namespace: Namespace, root: Token, token: Token): string {
  return digestOf('l1', [namespace, root, token], ['namespace', 'root', 'token']);
}

/** The id of the document that holds a reducer's snapshot of a root. */
export function snapshotDocumentId(namespace: Namespace, root: Token, reducer: string): string {
  return digestOf('n1', [namespace, root, reducer], ['namespace', 'root', 'reducer']);
}
