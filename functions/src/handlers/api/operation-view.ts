import { PayloadGone, unpackText } from '../../engine/payload.ts';
import { readCold } from '../../engine/read-cold.ts';
import type { Runtime } from '../../engine/runtime.ts';
import { leaseEnd } from '../../operation/claim.ts';
import { leavesQuestions } from '../../operation/record.ts';
import type {
  ArchivedRecord,
  OperationRecord,
  StoredOperation,
  StoredValue,
} from '../../operation/record.ts';
import type { OperationView } from './operation-fields.ts';

/** An operation as callers see it; its result only where asked for, since that may be a blob. */
export async function viewOf(
  runtime: Runtime,
  found: StoredOperation,
  { withResult }: { readonly withResult: boolean },
): Promise<OperationView> {
  const { store, blobs } = runtime;
  const { record, createdAt, updatedAt } = found;
  const { token, action, agent, root, path, logicalTime, madeAt, fence, attempt } = record;
  return {
    token,
    ...stateOf(found, store.now()),
    action,
    agent,
    root,
    path,
    logicalTime,
    madeAt,
    createdAt,
    updatedAt,
    fence,
    attempt,
    effect: record.effect,
    started: record.started === true,
    ...(record.trackingId !== undefined && { trackingId: record.trackingId }),
    ...(record.override && { override: record.override }),
    ...endOf(record),
    ...(withResult && record.status === 'completed' && (await resultOf(record.result))),
    ...(withResult && record.status === 'archived' && (await fromCold(record))),
  };

  async function fromCold(stub: ArchivedRecord): Promise<Partial<OperationView>> {
    try {
      const settled = await readCold(runtime, stub);
      if (settled.status === 'completed') return await resultOf(settled.result);
      return settled.status === 'failed' ? { error: settled.error } : { reason: settled.reason };
    } catch (error) {
      if (error instanceof PayloadGone) return { resultGone: error.message };
      throw error;
    }
  }

  async function resultOf(
    stored: StoredValue,
  ): Promise<Pick<OperationView, 'result' | 'resultGone'>> {
    try {
      return { result: JSON.parse(await unpackText(stored, blobs)) as unknown };
    } catch (error) {
      if (error instanceof PayloadGone) return { resultGone: error.message };
      throw error;
    }
  }
}

function stateOf(
  { record, updatedAt }: StoredOperation,
  storeNow: number,
): Pick<OperationView, 'state' | 'retryAfterMs'> {
  switch (record.status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
    case 'in_doubt':
      return { state: record.status };
    case 'archived':
      return { state: record.outcome };
    case 'released':
    case 'claimed': {
      const freeAt = record.status === 'released' ? record.notBefore : leaseEnd(updatedAt, record);
      if (storeNow < freeAt) {
        return { state: 'in_flight', retryAfterMs: Math.max(1, Math.ceil(freeAt - storeNow)) };
      }
      const parked = record.started === true && !leavesAnswer(record);
      return { state: parked ? 'in_doubt' : 'free' };
    }
  }
}

/** Whether somebody can still be asked, or running again does no harm. */
function leavesAnswer({ effect, trackingId }: OperationRecord): boolean {
  if (!leavesQuestions(effect)) return true;
  return effect === 'reconcilable' && trackingId !== undefined;
}

function endOf(record: OperationRecord): Partial<OperationView> {
  switch (record.status) {
    case 'claimed':
      return {};
    case 'released':
      return record.error ? { error: record.error } : {};
    case 'in_doubt':
      return { error: record.error };
    case 'completed':
      return timesOf(record);
    case 'failed':
      return { ...timesOf(record), error: record.error };
    case 'cancelled':
      return { ...timesOf(record), reason: record.reason };
    case 'archived': {
      const { completedAt, forgetAt } = record;
      return { archived: true, completedAt, forgetAt };
    }
  }
}

function timesOf(record: {
  readonly completedAt: number;
  readonly expireAt: number;
  readonly hold?: true;
}): Partial<OperationView> {
  const { completedAt, expireAt, hold } = record;
  return { completedAt, expireAt, ...(hold && { hold }) };
}

/** What a settled operation's answer tells in headers. */
export function settledHeaders(
  { expireAt }: OperationView,
  replayed: boolean,
): Readonly<Record<string, string>> {
  return {
    ...(replayed && { 'Idempotency-Replayed': 'true' }),
    ...(expireAt !== undefined && { 'Idempotency-Expires': new Date(expireAt).toUTCString() }),
  };
}
