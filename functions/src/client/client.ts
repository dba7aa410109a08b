import { randomBytes } from 'node:crypto';
import { runOnce } from './once.ts';
import type { OnceRequest, OnceContext } from './once.ts';
import { ServiceProblem } from './problem.ts';
import { stateAndEvents } from './state-and-events.ts';
import type { StateAndEvents } from './state-and-events.ts';
import { transportTo } from './transport.ts';
import type { ClientOptions, Reply } from './transport.ts';
import type {
  AuditEntry,
  BatchItem,
  BeginOptions,
  Claimed,
  Concluded,
  ErrorToRecord,
  Intervention,
  Operation,
  OperationIdentity,
  Page,
  Recorded,
  RecordStatus,
  Replayed,
  Retention,
  Standing,
} from './types.ts';

/** The service's calls. Each is sent again, where that may help, until its deadline. */
export interface Client extends StateAndEvents {
  check(operation: OperationIdentity): Promise<Standing>;
  checkBatch(operations: readonly OperationIdentity[]): Promise<readonly BatchItem<Standing>[]>;
  record(
    operation: OperationIdentity & { readonly retention?: Retention },
    outcome: { readonly result: unknown } | { readonly error: ErrorToRecord },
  ): Promise<Recorded & { readonly recorded: boolean }>;
  /** `undefined` where there is no such operation in the namespace. */
  get(
    operation: { readonly token: string } | { readonly key: string },
  ): Promise<Operation | undefined>;
  /** Only `claimed` lets an effect run. @throws {ServiceProblem} where it is in flight, in doubt, … */
  begin(operation: BeginOptions): Promise<Claimed | Replayed>;
  beginBatch(
    operations: readonly BeginOptions[],
  ): Promise<readonly BatchItem<Claimed | Replayed>[]>;
  start(handle: string, trackingId?: string): Promise<Claimed>;
  renew(handle: string, signal?: AbortSignal): Promise<Claimed>;
  complete(handle: string, result: unknown): Promise<Concluded>;
  fail(
    handle: string,
    error: ErrorToRecord,
    options?: { readonly notDone?: boolean },
  ): Promise<Concluded>;
  release(
    handle: string,
    options?: {
      readonly waitMs?: number;
      readonly error?: ErrorToRecord;
      readonly notDone?: boolean;
    },
  ): Promise<Concluded>;
  ledger(
    root: string,
    page?: Page,
  ): Promise<{ readonly operations: readonly Operation[]; readonly next?: string }>;
  /**
   * The operations of the namespace at a status, in no order that means anything, without their
   * results. For readers and operators.
   */
  byStatus(
    status: RecordStatus,
    page?: Page,
  ): Promise<{ readonly operations: readonly Operation[]; readonly next?: string }>;
  intervene(
    token: string,
    intervention: Intervention,
  ): Promise<{ readonly operation: Operation; readonly published: boolean }>;
  interventions(
    token: string,
    page?: Page,
  ): Promise<{ readonly entries: readonly AuditEntry[]; readonly next?: string }>;
  /**
   * Runs `effect` if this request has not been run, and answers the recorded result if it has. The
   * lease is kept up while the effect runs; its signal aborts where the lease is lost.
   *
   * @throws {OnceFailed} where it is on record as failed
   * @throws {OnceUnknown} where an earlier attempt may have done it and `reconcile` can't say yet
   * @throws {ServiceProblem} where someone else runs it (after `waitMs`), it is in doubt, or mismatches
   * @throws {ServiceAway} where the service gave no answer; the effect was not run then, or its result
   * is not known to be recorded, as the message says
   * @throws what the effect throws, recorded before that
   */
  once<Result>(
    request: OnceRequest<Result>,
    effect: (context: OnceContext) => Promise<Result> | Result,
  ): Promise<{ readonly result: Result; readonly replayed: boolean }>;
}

/** Callers of the idempotency service, in any program. Loads no store and no SDK. */
export function createClient(options: ClientOptions): Client {
  const ask = transportTo(options);
  const post = async <Body>(path: string, body: unknown, signal?: AbortSignal): Promise<Body> =>
    (await ask<Body>({ method: 'POST', path, body, ...(signal && { signal }) })).body;
  const get = async <Body>(path: string, headers?: Record<string, string>): Promise<Body> =>
    (await ask<Body>({ method: 'GET', path, ...(headers && { headers }) })).body;

  const client: Client = {
    ...stateAndEvents(ask),
    check: (operation) => post('/v1/check', operation),
    checkBatch: async (operations) =>
      (await post<Answers<Standing>>('/v1/check-batch', { operations })).answers,
    async record(operation, outcome) {
      const body = { ...operation, ...outcome };
      const reply: Reply<Recorded> = await ask({ method: 'POST', path: '/v1/record', body });
      return { ...reply.body, recorded: reply.status === 201 };
    },
    async get(operation) {
      try {
        return 'token' in operation
          ? await get(`/v1/operations/${encodeURIComponent(operation.token)}`)
          : await get<Operation>('/v1/result', { 'Idempotency-Key': quoted(operation.key) });
      } catch (error) {
        if (error instanceof ServiceProblem && error.problem.code === 'absent') return undefined;
        throw error;
      }
    },
    begin: (operation) => post('/v1/begin', { claimId: newClaimId(), ...operation }),
    async beginBatch(asked) {
      const operations = asked.map((operation) => ({ claimId: newClaimId(), ...operation }));
      return (await post<Answers<Claimed | Replayed>>('/v1/begin-batch', { operations })).answers;
    },
    start: (handle, trackingId) => post('/v1/start', { handle, trackingId }),
    renew: (handle, signal) => post('/v1/renew', { handle }, signal),
    complete: (handle, result) => post('/v1/complete', { handle, result }),
    fail: (handle, error, { notDone } = {}) => post('/v1/fail', { handle, error, notDone }),
    release: (handle, terms = {}) => post('/v1/release', { handle, ...terms }),
    ledger: (root, page) => get(`/v1/ledger/${encodeURIComponent(root)}${queryOf(page)}`),
    byStatus: (status, page) => get(`/v1/operations${queryOf({ status, ...page })}`),
    intervene: (token, intervention) => post(interventionsOf(token), intervention),
    interventions: (token, page) => get(`${interventionsOf(token)}${queryOf(page)}`),
    once: (request, effect) => runOnce(client, request, effect),
  };
  return client;
}

interface Answers<Body> {
  readonly answers: readonly BatchItem<Body>[];
}

export function newClaimId(): string {
  return randomBytes(18).toString('base64url');
}

function interventionsOf(token: string): string {
  return `/v1/operations/${encodeURIComponent(token)}/interventions`;
}

function quoted(key: string): string {
  return `"${key.replaceAll(/["\\]/g, '\\$&')}"`;
}

function queryOf({ status, limit, after }: Page & { readonly status?: RecordStatus } = {}): string {
  const query = new URLSearchParams();
  if (status !== undefined) query.set('status', status);
  if (limit !== undefined) query.set('limit', String(limit));
  if (after !== undefined) query.set('after', after);
  return query.size === 0 ? '' : `?${query.toString()}`;
}
