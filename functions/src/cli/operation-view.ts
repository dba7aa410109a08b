import { taskFromText } from '../engine/tasks.ts';
import { PayloadGone, unpackText } from '../engine/payload.ts';
import { isTerminal } from '../operation/record.ts';
import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import { payloadJson, readPayload } from './payload.ts';
import type { Payload } from './payload.ts';
import { whatNext } from './what-next.ts';
import type { Next } from './what-next.ts';

/** One operation with its payloads read, ready to be shown. */
export interface OperationView {
  readonly operation: StoredOperation;
  /** Store time at which it was looked at. */
  readonly now: number;
  readonly params?: Payload;
  readonly result?: Payload;
  readonly next: Next;
}

export async function viewOperation(
  operation: StoredOperation,
  blobs: BlobStore,
  now: number,
  invocation: string,
): Promise<OperationView> {
  const { record } = operation;
  const params = await paramsOf(record, blobs);
  const result =
    record.status === 'completed' ? await readPayload(record.result, blobs) : undefined;
  return {
    operation,
    now,
    ...(params && { params }),
    ...(result && { result }),
    next: whatNext(operation, now, invocation),
  };
}

/** Known while the record keeps its task: until it is settled. */
async function paramsOf(record: OperationRecord, blobs: BlobStore): Promise<Payload | undefined> {
  if (!('task' in record) || !record.task) return undefined;
  try {
    const { params } = taskFromText(await unpackText(record.task, blobs));
    return { kind: 'value', value: params };
  } catch (error) {
    if (error instanceof PayloadGone) return { kind: 'gone', why: error.message };
    throw error;
  }
}

/** Its effect may have been sent, and what became of that is not recorded. */
export function isUnanswered(record: OperationRecord): boolean {
  return record.started === true && !isTerminal(record);
}

/** Until when the holder's claim lasts, where there is a holder. */
export function leaseUntil({ record, updatedAt }: StoredOperation): number | undefined {
  return record.status === 'claimed' ? updatedAt + record.leaseMs : undefined;
}

/** What a program gets: the record's fields that mean something outside, times in ISO 8601. */
export function viewJson(view: OperationView): Readonly<Record<string, unknown>> {
  const { operation, params, result, next } = view;
  const { record, createdAt, updatedAt } = operation;
  const { token, root, namespace, action, agent, status, path, logicalTime } = record;
  const { effect, attempt, fence, trackingId, override } = record;
  return {
    token,
    root,
    namespace,
    action,
    agent,
    status,
    path,
    logicalTime,
    effect,
    attempt,
    fence,
    class: record.retention.name,
    ...(isUnanswered(record) && { started: true }),
    ...(trackingId !== undefined && { trackingId }),
    madeAt: iso(record.madeAt),
    firstClaimedAt: iso(createdAt),
    updatedAt: iso(updatedAt),
    ...statusJson(operation),
    ...(params && { params: payloadJson(params) }),
    ...(result && { result: payloadJson(result) }),
    ...(override && { override: { ...override, at: iso(override.at) } }),
    next,
  };
}

function statusJson(operation: StoredOperation): Readonly<Record<string, unknown>> {
  const { record } = operation;
  switch (record.status) {
    case 'claimed':
      return { holder: record.holder, leaseUntil: iso(leaseUntil(operation) ?? 0) };
    case 'released': {
      const { error, notBefore } = record;
      return { notBefore: iso(notBefore), ...(error && { error }) };
    }
    case 'in_doubt':
      return { error: record.error };
    case 'completed':
      return { ...settledJson(record), sent: record.sent };
    case 'failed':
      return { ...settledJson(record), error: record.error };
    case 'cancelled':
      return { ...settledJson(record), reason: record.reason };
    case 'archived': {
      const { outcome, pointer, completedAt, forgetAt } = record;
      return { outcome, pointer, completedAt: iso(completedAt), forgetAt: iso(forgetAt) };
    }
  }
}

function settledJson(record: {
  readonly completedAt: number;
  readonly expireAt: number;
  readonly hold?: true;
}): Readonly<Record<string, unknown>> {
  const { completedAt, expireAt, hold } = record;
  return {
    completedAt: iso(completedAt),
    expireAt: iso(expireAt),
    ...(hold && { hold }),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
