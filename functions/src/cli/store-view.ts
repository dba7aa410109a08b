import { PayloadGone, unpackText } from '../engine/payload.ts';
import { readCold } from '../engine/read-cold.ts';
import type { Runtime } from '../engine/runtime.ts';
import { taskFromText } from '../engine/tasks.ts';
import { isTerminal } from '../operation/record.ts';
import type { CompletedRecord, OperationRecord, StoredOperation } from '../operation/record.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { OperationView } from './operation-view.ts';
import { readPayload } from './payload.ts';
import type { Payload } from './payload.ts';
import type { FollowUps, Kept, Seen, Standing } from './seen.ts';
import { whatNext } from './what-next.ts';

/** A stored operation with its payloads read. */
export async function viewOperation(
  operation: StoredOperation,
  runtime: Runtime,
  now: number,
  invocation: string,
): Promise<OperationView> {
  const { record } = operation;
  const seen = seenInStore(operation);
  const params = await paramsOf(record, runtime.blobs);
  const result = await resultOf(record, runtime);
  const signature = '--actor YOU --reason WHY';
  return {
    seen,
    now,
    ...(params && { params }),
    ...(result && { result }),
    next: whatNext(seen, now, { invocation, signature, serves: () => true }),
  };
}

/** Of an archived operation: from cold storage, an error or a reason too, which no stub holds. */
async function resultOf(record: OperationRecord, runtime: Runtime): Promise<Payload | undefined> {
  if (record.status === 'completed') return readPayload(record.result, runtime.blobs);
  if (record.status !== 'archived') return undefined;
  try {
    const settled = await readCold(runtime, record);
    if (settled.status === 'completed') return await readPayload(settled.result, runtime.blobs);
    return { kind: 'value', value: settled.status === 'failed' ? settled.error : settled.reason };
  } catch (error) {
    if (error instanceof PayloadGone) return { kind: 'gone', why: error.message };
    throw error;
  }
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

export function seenInStore(operation: StoredOperation): Seen {
  const { record, createdAt, updatedAt } = operation;
  const { token, root, path, action, agent, namespace, effect, retention } = record;
  const { logicalTime, attempt, fence, madeAt, trackingId, override } = record;
  return {
    token,
    root,
    path,
    action,
    agent,
    namespace,
    effect,
    retention: retention.name,
    logicalTime,
    attempt,
    fence,
    madeAt,
    createdAt,
    updatedAt,
    open: record.started === true && !isTerminal(record),
    ...(trackingId !== undefined && { trackingId }),
    ...(override && { override }),
    standing: standingOf(operation),
  };
}

function standingOf({ record, updatedAt }: StoredOperation): Standing {
  const { status } = record;
  switch (status) {
    case 'claimed': {
      const { holder: name, claimId, leaseMs } = record;
      return { status, holder: { name, claimId }, leaseUntil: updatedAt + leaseMs };
    }
    case 'released': {
      const { notBefore, error } = record;
      return { status, notBefore, ...(error && { error }) };
    }
    case 'in_doubt':
      return { status, error: record.error };
    case 'completed':
      return { status, ...keptOf(record), followUps: followUpsOf(record) };
    case 'failed':
      return { status, ...keptOf(record), error: record.error };
    case 'cancelled':
      return { status, ...keptOf(record), reason: record.reason };
    case 'archived': {
      const { outcome, completedAt, forgetAt, pointer } = record;
      return { status, outcome, completedAt, forgetAt, pointer };
    }
  }
}

function keptOf({ completedAt, expireAt, hold }: Kept): Kept {
  return { completedAt, expireAt, ...(hold && { hold }) };
}

function followUpsOf({ sent, outbox }: CompletedRecord): FollowUps {
  if (sent) return 'sent';
  return outbox?.kind === 'pending' ? 'derived' : 'stored';
}
