import { leaseEnd } from '../../functions/src/operation/claim.ts';
import { isTerminal } from '../../functions/src/operation/record.ts';
import type { OperationRecord, StoredOperation } from '../../functions/src/operation/record.ts';
import { MAX_ATTEMPTS } from './steps.ts';
import type { Writer } from './store.ts';

/** What no write may ever do to a record, whoever makes it; the rule that this one broke, if any. */
export function brokenRule(
  writer: Writer,
  before: StoredOperation | undefined,
  after: StoredOperation,
): string | undefined {
  if (!before) return brokenAtBirth(after.record);
  const old = before.record;
  const { record, updatedAt: at } = after;
  if (typeof writer === 'object') {
    const { claimId, fence } = writer;
    if (old.claimId !== claimId || old.fence !== fence) {
      return `A late holder (fence ${fence}) changed a record that was at fence ${old.fence}.`;
    }
  }
  if (record.fence < old.fence) return `The fence fell from ${old.fence} to ${record.fence}.`;
  const fact = FACTS.find((name) => old[name] !== record[name]);
  if (fact) return `The record's ${fact} changed.`;
  if (old.trackingId !== undefined && old.trackingId !== record.trackingId) {
    return `Its tracking id changed from ${old.trackingId} to ${record.trackingId}.`;
  }
  const retaken = record.status === 'claimed' && old.status !== 'claimed';
  if (record.claimId !== old.claimId || retaken) return brokenByClaim(before, after);
  if (record.status === 'archived') return brokenByArchiving(old, record, at);
  if (isTerminal(old)) return brokenAfterEnd(old, record);
  if (old.status === 'in_doubt')
    return writer === 'person' ? undefined : 'A doubt ended by itself.';
  if (record.status === 'in_doubt') return brokenByDoubt(writer, before, at);
  if (writer === 'anyone') return `A ${old.status} record was changed by someone without a claim.`;
  return undefined;
}

const FACTS = [
  'token',
  'namespace',
  'action',
  'root',
  'path',
  'madeAt',
  'requestHash',
  'effect',
  'shard',
] as const;

function brokenAtBirth(record: OperationRecord): string | undefined {
  if (record.fence !== 1) return `A new record has fence ${record.fence}.`;
  const born = record.status === 'claimed' || record.status === 'cancelled';
  return born ? undefined : `A new record is ${record.status}.`;
}

function brokenByClaim(before: StoredOperation, after: StoredOperation): string | undefined {
  const old = before.record;
  const { record, updatedAt: at } = after;
  if (record.status === 'cancelled' && old.status === 'released') {
    return old.started === true ? 'It was cancelled though it may have begun.' : undefined;
  }
  if (record.status !== 'claimed') return `A ${record.status} record has a new claim id.`;
  if (record.fence <= old.fence) return `A take-over left the fence at ${record.fence}.`;
  if (record.attempt !== old.attempt + 1) return `A claim made attempt ${record.attempt}.`;
  if (old.status === 'claimed') {
    const end = leaseEnd(before.updatedAt, old);
    return at < end ? `Two live claims: the older had ${Math.ceil(end - at)} ms left.` : undefined;
  }
  if (old.status !== 'released') return `An operation that was ${old.status} was claimed again.`;
  return at < old.notBefore ? 'It was claimed before its waiting time was over.' : undefined;
}

function brokenByArchiving(
  old: OperationRecord,
  record: OperationRecord & { readonly status: 'archived' },
  at: number,
): string | undefined {
  if (!isTerminal(old) || old.status === 'archived') return `A ${old.status} record was archived.`;
  if (record.outcome !== old.status)
    return `A ${old.status} record was archived as ${record.outcome}.`;
  if (record.fence !== old.fence) return 'Archiving changed its fence.';
  if (old.hold === true) return 'A held record was archived.';
  if (old.status === 'completed' && !old.sent)
    return 'It was archived before its follow-ups were sent.';
  return old.expireAt > at
    ? `It was archived ${Math.ceil(old.expireAt - at)} ms too soon.`
    : undefined;
}

function brokenAfterEnd(old: OperationRecord, record: OperationRecord): string | undefined {
  if (record.status !== old.status) return `A ${old.status} record became ${record.status}.`;
  if (old.status !== 'completed' || record.status !== 'completed') return undefined;
  if (record.result !== old.result && record.result.kind !== 'purged') return 'Its result changed.';
  if (old.sent && !record.sent) return 'Its mark that follow-ups are sent went away.';
  return undefined;
}

function brokenByDoubt(writer: Writer, before: StoredOperation, at: number): string | undefined {
  const { record } = before;
  if (
    writer === 'anyone' &&
    record.status === 'claimed' &&
    at < leaseEnd(before.updatedAt, record)
  ) {
    return 'A live claim was put in doubt.';
  }
  const { effect, started, attempt } = record;
  const known = 'It is in doubt, though';
  if (effect === 'pure') return `${known} its effect is pure.`;
  if (effect !== 'idempotent' && started !== true) return `${known} it was never started.`;
  if (effect !== 'once' && attempt < MAX_ATTEMPTS)
    return `${known} it could be asked or run again.`;
  return undefined;
}
