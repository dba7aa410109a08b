import { randomBytes } from 'node:crypto';
import { ServiceProblem } from './problem.ts';
import type { Transport } from './transport.ts';

/** An entity's value at one version. */
export interface StateVersion {
  readonly version: number;
  readonly value: unknown;
  readonly schemaVersion: number;
  readonly token: string;
  /** Store time of its write, in epoch milliseconds. */
  readonly at: number;
}

export interface StateWrite {
  /** The version that was read; 0 where there is none yet. */
  readonly ifVersion: number;
  readonly value: unknown;
  readonly schemaVersion?: number;
  /** The write's own, where it must outlive this call. Default: a random one. */
  readonly key?: string;
}

export type NewEvent = {
  readonly type: string;
  readonly data: unknown;
  readonly logicalTime: number;
  readonly schemaVersion?: number;
} & ({ readonly key: string } | { readonly token: string });

export interface Event {
  readonly type: string;
  readonly data: unknown;
  readonly token: string;
  readonly logicalTime: number;
  readonly schemaVersion: number;
  readonly at: number;
}

/** Versioned state, event logs and logical time, of the caller's namespace. */
export interface StateAndEvents {
  /** `entity`: kind, slash, id: `account/4711`. Now, at a version, or as of a store time; `undefined` where there is none. */
  readState(
    entity: string,
    at?: { readonly version: number } | { readonly asOf: number },
  ): Promise<StateVersion | undefined>;
  /**
   * `replayed`: this key wrote the version before.
   *
   * @throws {ServiceProblem} `conflict`, with `version`, where the entity is at another one by now
   */
  writeState(
    entity: string,
    write: StateWrite,
  ): Promise<{ readonly version: number; readonly token: string; readonly replayed: boolean }>;
  stateHistory(
    entity: string,
    page?: { readonly limit?: number; readonly after?: number },
  ): Promise<{ readonly versions: readonly StateVersion[]; readonly next?: number }>;
  /** All of them or none. Those whose token the root's log holds already fold away: not `fresh`. */
  appendEvents(
    root: string,
    events: readonly NewEvent[],
  ): Promise<readonly { readonly token: string; readonly fresh: boolean }[]>;
  readEvents(
    root: string,
    page?: { readonly limit?: number; readonly after?: string },
  ): Promise<{ readonly events: readonly Event[]; readonly next?: string }>;
  /** A logical time later than `received`: give the latest that is known, this caller's own included. */
  tick(received?: number): Promise<number>;
}

export function stateAndEvents(ask: Transport): StateAndEvents {
  const get = async <Body>(path: string): Promise<Body> =>
    (await ask<Body>({ method: 'GET', path })).body;

  return {
    async readState(entity, at) {
      try {
        return await get(`/v1/state${queryOf({ entity, ...at })}`);
      } catch (error) {
        if (error instanceof ServiceProblem && error.problem.code === 'absent') return undefined;
        throw error;
      }
    },
    async writeState(entity, write) {
      const body = { key: randomBytes(18).toString('base64url'), entity, ...write };
      const path = '/v1/state';
      const reply = await ask<{ version: number; token: string }>({ method: 'POST', path, body });
      return { ...reply.body, replayed: reply.replayed };
    },
    stateHistory: (entity, page = {}) => get(`/v1/state/history${queryOf({ entity, ...page })}`),
    async appendEvents(root, events) {
      const path = eventsOf(root);
      const { body } = await ask<{ events: { token: string; fresh: boolean }[] }>({
        method: 'POST',
        path,
        body: { events },
      });
      return body.events;
    },
    readEvents: (root, page = {}) => get(`${eventsOf(root)}${queryOf({ ...page })}`),
    async tick(received) {
      const path = '/v1/time/tick';
      const { body } = await ask<{ logicalTime: number }>({
        method: 'POST',
        path,
        body: { received },
      });
      return body.logicalTime;
    },
  };
}

function eventsOf(root: string): string {
  return `/v1/events/${encodeURIComponent(root)}`;
}

function queryOf(values: Readonly<Record<string, number | string | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) query.set(name, String(value));
  }
  return query.size === 0 ? '' : `?${query.toString()}`;
}
