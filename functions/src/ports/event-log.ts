import type { Namespace, Token } from '../token/token.ts';
import type { EventPosition, LoggedEvent, Snapshot, StoredEvent } from '../workflow/event.ts';

export interface AppendAnswer {
  /**
   * Tokens that were not in the log before. For people and metrics: an append whose answer was lost
   * finds, when it is repeated, that its own events are there already.
   */
  readonly fresh: readonly Token[];
}

export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** What to read on after; absent where the log ends. */
  readonly next?: EventPosition;
}

/**
 * Events by root, append-only. One token is one event: whoever appends it first is recorded, and every
 * later one of that token folds away, whatever it says.
 *
 * Every verb may throw `StoreAway`: for an append its outcome is then unknown, and appending the same
 * events again is safe.
 */
export interface EventLog {
  /** Adds the events that are not there yet, all of them or none. */
  append(namespace: Namespace, root: Token, events: readonly LoggedEvent[]): Promise<AppendAnswer>;
  /** In the order of positions. Pages are read one by one: an event appended meanwhile may be missed. */
  read(
    namespace: Namespace,
    root: Token,
    page: { readonly limit: number; readonly after?: EventPosition },
  ): Promise<EventPage>;
  /** Replaces the reducer's snapshot of this root. */
  saveSnapshot(
    namespace: Namespace,
    root: Token,
    reducer: string,
    snapshot: Snapshot,
  ): Promise<void>;
  /**
   * The reducer's snapshot, if it has taken in every event that the log now holds up to its position.
   * One that an event was appended behind is never answered.
   */
  loadSnapshot(namespace: Namespace, root: Token, reducer: string): Promise<Snapshot | undefined>;
  close(): Promise<void>;
}
