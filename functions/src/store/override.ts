import { leaseEnd } from '../operation/claim.ts';
import { StoreAway } from '../operation/errors.ts';
import type {
  OperationRecord,
  RecordedOverride,
  StoredOperation,
  StoredValue,
} from '../operation/record.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { Override, OverrideAnswer, OverrideRequest } from '../ports/token-store.ts';
import { documentId, shownToken } from '../token/token.ts';
import { purgedValue } from '../retention/purged.ts';
import type { Namespace, Token } from '../token/token.ts';
import { maybeSent, patched } from './new-record.ts';
import { unlessUnknown } from './unknown.ts';

const MAX_ROUNDS = 5;

/**
 * Applies a person's intervention to what stands there, under the next fence. Where the request names the
 * fence that the person saw, the write is conditional on the very revision that was found at that fence.
 */
export async function override(
  documents: OperationDocuments,
  namespace: Namespace,
  token: Token,
  request: OverrideRequest,
): Promise<OverrideAnswer> {
  const id = documentId(namespace, token);
  let sent: Signature | undefined;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { found, at } = await documents.read([id]);
    const standing = found[0];
    if (!standing) return { kind: 'absent' };
    if (sent && bears(standing.record, sent)) return { kind: 'overridden', found: standing };
    const { fence } = standing.record;
    if (request.ifFence !== undefined && fence !== request.ifFence) {
      return { kind: 'stale', found: standing, why: MOVED_ON };
    }
    const change =
      sent && isAnother(request.override, standing.record, sent)
        ? MOVED_ON
        : changeFor(request.override, standing, at);
    if (typeof change === 'string') return { kind: 'refused', why: change };
    sent = signature(standing.record, request, at);
    const patch = { ...change, ...sent };
    const answer = await unlessUnknown(() => documents.update(id, standing.revision, patch));
    if (answer?.kind === 'written') {
      const { revision, at: updatedAt } = answer;
      const record = patched(standing.record, patch);
      return { kind: 'overridden', found: { ...standing, record, revision, updatedAt } };
    }
  }
  throw new StoreAway(
    `Token ${shownToken(token)} kept changing while it was being overridden. Try again.`,
  );
}

/** The change, or why the verb doesn't fit. */
function changeFor(override: Override, standing: StoredOperation, at: number): Patch | string {
  const { record } = standing;
  switch (override.verb) {
    case 'extend':
      return terminal(record, (kept) => ({
        expireAt: Math.max(kept.expireAt, at) + override.byMs,
      }));
    case 'hold':
      return terminal(record, () => ({ hold: true }));
    case 'unhold':
      return terminal(record, () => ({ hold: null }));
    case 'expire':
      return terminal(record, () => ({ expireAt: Math.floor(at), hold: null }));
    case 'resolve_done':
      if (record.status !== 'in_doubt') return onlyInDoubt(record);
      return {
        status: 'completed',
        result: override.result,
        ...(record.task
          ? { outbox: { kind: 'pending' }, sent: false, dueAt: Math.ceil(at) }
          : { sent: true }),
        completedAt: Math.floor(at),
        expireAt: Math.ceil(at + record.retention.ttlMs),
        error: null,
      };
    case 'resolve_not_done':
      if (record.status !== 'in_doubt') return onlyInDoubt(record);
      return { ...free(record, at), attempt: 0, started: null, error: null };
    case 'force_release':
      if (record.status !== 'claimed' && record.status !== 'released') {
        return `Only a claimed or waiting operation can be released; this one is ${record.status}.`;
      }
      return { ...free(record, at), leaseMs: null, ...cutOff(standing) };
    case 'purge':
      return purge(record);
  }
}

/** Its holder learns of it at its next heartbeat; until its lease ends it may still send. */
function cutOff({ record, updatedAt }: StoredOperation): Patch {
  if (record.status !== 'claimed') return {};
  const until = Math.ceil(leaseEnd(updatedAt, record));
  return { cutOffUntil: Math.max(until, record.cutOffUntil ?? 0), ...maybeSent(record) };
}

function free(record: { readonly task?: StoredValue }, at: number): Patch {
  const dueAt = record.task ? Math.ceil(at) : null;
  return { status: 'released', notBefore: Math.floor(at), dueAt, holder: 'override' };
}

function purge(record: OperationRecord): Patch | string {
  switch (record.status) {
    case 'completed':
      return record.sent
        ? { result: purgedValue(record.result), task: null }
        : 'Its follow-up tasks are not published yet; purging now would lose them. Try again later.';
    case 'failed':
      return { error: { ...record.error, message: 'purged' } };
    case 'cancelled':
      return {};
    case 'claimed':
    case 'released':
    case 'in_doubt':
      return `Purging a ${record.status} operation would lose its task. Release or resolve it first.`;
    case 'archived':
      return 'The payload is in cold storage, where purging rewrites the object.';
  }
}

function terminal(
  record: OperationRecord,
  change: (record: { readonly expireAt: number }) => Patch,
): Patch | string {
  switch (record.status) {
    case 'completed':
    case 'failed':
    case 'cancelled':
      return change(record);
    case 'claimed':
    case 'released':
    case 'in_doubt':
    case 'archived':
      return `Retention applies to settled, hot operations; this one is ${record.status}.`;
  }
}

function onlyInDoubt(record: OperationRecord): string {
  return `Only an operation in doubt can be resolved; this one is ${record.status}.`;
}

/** What an override leaves in the record: who, how and why, under the next fence. */
interface Signature extends Patch {
  readonly fence: number;
  readonly override: RecordedOverride;
}

function signature(record: OperationRecord, request: OverrideRequest, at: number): Signature {
  const { actor, reason, override, at: told = at } = request;
  const mark: RecordedOverride = { verb: override.verb, actor, reason, at: Math.floor(told) };
  return { fence: record.fence + 1, override: mark };
}

const MOVED_ON = 'It has changed hands since it was looked at. Look again before you decide.';

/** A person decides about one claim or one doubt. A later one is another question. */
function isAnother({ verb }: Override, { fence }: OperationRecord, sent: Signature): boolean {
  const aimed = verb === 'resolve_done' || verb === 'resolve_not_done' || verb === 'force_release';
  return aimed && fence !== sent.fence - 1;
}

/** Whether the record shows that the override's write was made, though no answer said so. */
function bears({ fence, override }: OperationRecord, sent: Signature): boolean {
  if (fence < sent.fence || override === undefined) return false;
  const { verb, actor, reason, at } = sent.override;
  return (
    override.verb === verb &&
    override.actor === actor &&
    override.reason === reason &&
    override.at === at
  );
}
