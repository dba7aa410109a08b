import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from './client.ts';
import { ClaimLost, keepAlive } from './heartbeat.ts';
import type { Heartbeat } from './heartbeat.ts';
import { asNotDone } from './not-done.ts';
import { ServiceProblem } from './problem.ts';
import type { BeginOptions, Claimed, ErrorToRecord, Operation, Replayed } from './types.ts';

export type Reconciliation<Result> =
  | { readonly state: 'committed'; readonly result: Result }
  /** And never will be. */
  | { readonly state: 'absent' }
  | { readonly state: 'unknown' };

export interface OnceRequest<Result> extends Omit<BeginOptions, 'claimId' | 'started'> {
  /** How long to wait for someone else who runs it now. Default 0: fail fast. */
  readonly waitMs?: number;
  /** Asks the provider what became of an effect whose holder vanished. Needed for `reconcilable`. */
  readonly reconcile?: (trackingId: string) => Promise<Reconciliation<Result>>;
}

export interface OnceContext {
  /** Aborts where the lease is lost. Look at it right before sending. */
  readonly signal: AbortSignal;
  /** The same for every attempt: pass it downstream as an idempotency key. */
  readonly token: string;
  readonly trackingId: string;
  readonly attempt: number;
}

/** The operation is on record as failed for good. */
export class OnceFailed extends Error {
  override readonly name = 'OnceFailed';
  readonly code: string;
  readonly operation: Operation;

  constructor(operation: Operation) {
    const { code, message } = operation.error ?? { code: 'failed', message: 'It failed.' };
    super(message);
    this.code = code;
    this.operation = operation;
  }
}

/** An earlier attempt's effect may have happened, and its provider can't say yet. Ask again later. */
export class OnceUnknown extends Error {
  override readonly name = 'OnceUnknown';
  readonly code = 'effect_unknown';
}

const LONGEST_POLL_MS = 1_000;

/** See `Client.once`. */
export async function runOnce<Result>(
  client: Client,
  { waitMs = 0, reconcile, ...operation }: OnceRequest<Result>,
  effect: (context: OnceContext) => Promise<Result> | Result,
): Promise<{ readonly result: Result; readonly replayed: boolean }> {
  if (operation.effect === 'reconcilable' && !reconcile) {
    throw new RangeError('A reconcilable effect needs `reconcile`.');
  }
  const { begun, askedAt } = await beginWhenFree(client, operation, waitMs);
  if (begun.state !== 'claimed') return { result: resultOf(begun) as Result, replayed: true };
  const heartbeat = keepAlive(client, begun, askedAt);
  const done = await askProvider(client, begun, heartbeat, reconcile);
  const result = done ? done.result : await run(client, begun, heartbeat, effect);
  const handle = await heartbeat.stop();
  await client.complete(handle, result === undefined ? null : result);
  return { result, replayed: false };
}

/** The longest wait is asked for by the caller; the service says when asking again makes sense. */
async function beginWhenFree(
  client: Client,
  operation: BeginOptions,
  waitMs: number,
): Promise<{ begun: Claimed | Replayed; askedAt: number }> {
  const giveUpAt = performance.now() + waitMs;
  for (let pollMs = 25; ; pollMs = Math.min(LONGEST_POLL_MS, pollMs * 2)) {
    const askedAt = performance.now();
    try {
      return { begun: await client.begin(operation), askedAt };
    } catch (error) {
      const inFlight = error instanceof ServiceProblem && error.problem.code === 'in_flight';
      const leftMs = giveUpAt - performance.now();
      if (!inFlight || leftMs <= 0) throw error;
      await delay(Math.min(leftMs, pollMs * (0.5 + Math.random() / 2)));
    }
  }
}

function resultOf({ state, operation }: Replayed): unknown {
  if (state === 'failed') throw new OnceFailed(operation);
  if (operation.resultGone !== undefined) {
    const error = { code: 'payload_gone', message: operation.resultGone, retryable: false };
    throw new OnceFailed({ ...operation, error });
  }
  return operation.result;
}

/** What an earlier holder started is asked about first. `undefined`: it is absent, and may be run. */
async function askProvider<Result>(
  client: Client,
  { reconcile: question }: Claimed,
  heartbeat: Heartbeat,
  reconcile: OnceRequest<Result>['reconcile'],
): Promise<{ readonly result: Result } | undefined> {
  if (!question || !reconcile) return undefined;
  let told: Reconciliation<Result>;
  try {
    told = await reconcile(question.trackingId);
  } catch {
    told = { state: 'unknown' };
  }
  switch (told.state) {
    case 'committed':
      return told;
    case 'absent':
      return undefined;
    case 'unknown': {
      const message = `The provider can't say yet what became of ${question.trackingId}.`;
      const error = { code: 'effect_unknown', message };
      await client.release(await heartbeat.stop(), { error, waitMs: 1_000 });
      throw new OnceUnknown(message);
    }
  }
}

async function run<Result>(
  client: Client,
  { token, trackingId = token, attempt }: Claimed,
  heartbeat: Heartbeat,
  effect: (context: OnceContext) => Promise<Result> | Result,
): Promise<Result> {
  const { signal } = heartbeat;
  try {
    signal.throwIfAborted();
    return await effect({ signal, token, trackingId, attempt });
  } catch (thrown) {
    const handle = await heartbeat.stop();
    // Where this is not recorded, the lease lapses, which says no more than this would have.
    if (!(thrown instanceof ClaimLost)) await recordError(client, handle, thrown).catch(() => {});
    throw thrown;
  }
}

async function recordError(client: Client, handle: string, thrown: unknown): Promise<void> {
  const error = errorOf(thrown);
  const notDone = asNotDone(thrown);
  if (!notDone) {
    await client.release(handle, { error, waitMs: 500 });
  } else if (notDone.final) {
    await client.fail(handle, error, { notDone: true });
  } else {
    await client.release(handle, { error, waitMs: notDone.waitMs, notDone: true });
  }
}

function errorOf(thrown: unknown): ErrorToRecord {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return {
    code: typeof code === 'string' && /^[\w.-]{1,128}$/.test(code) ? code : 'unexpected',
    message:
      message
        .toWellFormed()
        .replaceAll(/\p{Cc}/gu, ' ')
        .slice(0, 2_000)
        .trim() || 'No text.',
  };
}
