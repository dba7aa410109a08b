import { z } from 'zod';
import { defineEntity } from '../../functions/src/engine/define-entity.ts';
import { defineEvents } from '../../functions/src/engine/define-events.ts';
import type { EventOf } from '../../functions/src/engine/define-events.ts';
import { TerminalError } from '../../functions/src/operation/errors.ts';
import { childToken, keyToken } from '../../functions/src/token/token.ts';
import type { Token } from '../../functions/src/token/token.ts';
import type { Reducer } from '../../functions/src/workflow/event.ts';
import type { Params } from './steps.ts';
import { NAMESPACE } from './world.ts';

/** One update that a task makes. Its id is in the value it makes, so that none can hide. */
export interface Note {
  readonly id: string;
  readonly entity: string;
  readonly amount: number;
  /** The task fails for good where the entity has this many updates already. */
  readonly room?: number;
}

/** A task's updates, one after another, then its events, all in one append. */
export interface NoteParams extends Params {
  readonly notes: readonly Note[];
  /** The logical times of its events. */
  readonly events: readonly number[];
  /** Its process's clock says them instead, other ones for each attempt: those of the first append stay. */
  readonly clocked: boolean;
}

const tally = z.object({ count: z.number(), chain: z.number(), last: z.string() });
export type Tally = z.output<typeof tally>;

const kind = defineEntity({ name: 'sim.tally', schema: tally });
export const entityOf = (name: string) => kind.of(NAMESPACE, name);

/** Comes to another value for every other order, and for every update more or less. */
export function noted(current: Tally | undefined, { id, amount }: Note): Tally {
  const { count, chain } = current ?? { count: 0, chain: 17 };
  return { count: count + 1, chain: (chain * 31 + amount) % 1_000_000_007, last: id };
}

export function notedIfRoom(current: Tally | undefined, note: Note): Tally {
  if ((current?.count ?? 0) < (note.room ?? Infinity)) return noted(current, note);
  throw new TerminalError('full', `There is no room for ${note.id}.`);
}

/** The first update goes under the operation's own token, others under children of it. */
export function noteToken(operation: Token, index: number): Token {
  return index === 0 ? operation : childToken(operation, 'note', index);
}

export const LOG_ROOT = keyToken(NAMESPACE, 'log');

/** `of`: how many events its task appends with it. */
export const EVENTS = defineEvents({ Noted: z.object({ id: z.string(), of: z.number() }) });
export type NotedEvent = EventOf<typeof EVENTS>;

/** `time`: what the process's clock says. */
export function eventsFor({ label, events }: NoteParams, operation: Token, time?: number) {
  return events.map((fixed, index) => ({
    type: 'Noted' as const,
    data: { id: eventId(label, index), of: events.length },
    token: childToken(operation, 'event', index),
    logicalTime: time ?? fixed,
  }));
}

export function eventId(label: string, index: number): string {
  return `${label}/${index}`;
}

/** The task that an update's or event's id belongs to. */
export function labelOf(id: string): string {
  return id.split('/')[0] ?? id;
}

export interface Taken {
  readonly ids: readonly string[];
  readonly chain: number;
}

export const REDUCER: Reducer<Taken, NotedEvent> = {
  initial: { ids: [], chain: 17 },
  apply: ({ ids, chain }, { data: { id }, logicalTime }) => ({
    ids: [...ids, id],
    chain: (chain * 31 + logicalTime) % 1_000_000_007,
  }),
};
export const SNAPSHOTS = { name: 'taken', version: 1, every: 3 };
