import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Override, OverrideAnswer } from '../ports/token-store.ts';
import { shownToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { audited, logSignature } from './audited.ts';
import { erasePurged, isSpilledCold, whyNotErasable } from './cold-erase.ts';
import { discardUnnamed } from './discard-blobs.ts';
import { publishStoredTask } from './publish-stored-task.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

export interface Intervention {
  readonly namespace: Namespace;
  readonly token: Token;
  readonly override: Override;
  readonly actor: string;
  readonly reason: string;
  /** The fence that the person saw: an intervention sent again finds a higher one. Absent: whichever it is. */
  readonly fence?: number;
}

export type InterventionAnswer =
  | {
      readonly kind: 'done';
      readonly found: StoredOperation;
      /** The operation's stored task was published again. */
      readonly published: boolean;
    }
  | { readonly kind: 'absent' }
  /** The record has changed since the person looked. */
  | { readonly kind: 'stale'; readonly found: StoredOperation }
  | { readonly kind: 'refused'; readonly found: StoredOperation; readonly why: string };

/** Why an override must not be made of what stands there, though the store would make it. */
type Forbids = (found: StoredOperation) => Promise<string | undefined>;

type Overridden =
  | { readonly kind: 'overridden'; readonly found: StoredOperation }
  | Exclude<InterventionAnswer, { kind: 'done' }>;

/**
 * A person's override of the record, on record in the audit log as {@link audited}: where its outcome is
 * not, the record's own signature tells it, and that is added to the log before the next intervention.
 *
 * @throws {StoreAway} whether it is done is then unknown: look at the operation, its fence tells
 */
export async function overrideAudited(
  runtime: Runtime,
  audit: AuditLog,
  intervention: Intervention,
  forbids: Forbids,
): Promise<Overridden> {
  const answer = await overriding(runtime, audit, intervention, forbids);
  if (answer.kind !== 'overridden') await discardGiven(runtime, intervention);
  return answer;
}

async function overriding(
  runtime: Runtime,
  audit: AuditLog,
  { namespace, token, override, actor, reason, ...asked }: Intervention,
  forbids: Forbids,
): Promise<Overridden> {
  const { store, clock, limits } = runtime;
  const inTime = <T>(pending: Promise<T>) => within(clock, limits.recordAnswerMs, pending);

  const found = await inTime(store.get(namespace, token));
  if (!found) return { kind: 'absent' };
  await logSignature(runtime, audit, found);
  const { fence = found.record.fence } = asked;
  if (found.record.fence !== fence) return { kind: 'stale', found };

  const answer = await audited<OverrideAnswer>(
    runtime,
    audit,
    found,
    { verb: override.verb, actor, reason },
    async (at) => {
      const why = await forbids(found);
      if (why !== undefined) return { kind: 'refused', why };
      const request = { override, actor, reason, ifFence: fence, at };
      return inTime(store.override(namespace, token, request));
    },
    ({ kind }) => kind === 'overridden',
  );
  if (answer.kind === 'overridden') runtime.cache.admit(answer.found);
  return answer.kind === 'refused' ? { ...answer, found } : answer;
}

/** A result that a person gave for nothing, since the override was not made, goes again. */
async function discardGiven(
  runtime: Runtime,
  { namespace, token, override }: Intervention,
): Promise<void> {
  if (override.verb !== 'resolve_done') return;
  await discardUnnamed(runtime, { namespace, token }, [override.result]);
}

export interface Intervening {
  readonly runtime: Runtime;
  readonly audit: AuditLog;
  /** The namespace whose tasks the runtime's publisher reaches. */
  readonly tasksOf: Namespace;
}

/**
 * A person's intervention through the service: an override, and what follows from it. Where publishing
 * the task is lost, or it is another deployment's, the sweep publishes it. A payload in cold storage is not erased: the service may
 * delete nothing there.
 *
 * @throws {StoreAway} whether it is done is then unknown: look at the operation, its fence tells
 */
export async function intervene(
  { runtime, audit, tasksOf }: Intervening,
  intervention: Intervention,
): Promise<InterventionAnswer> {
  const { namespace, token, override, actor } = intervention;
  const purges = override.verb === 'purge';
  const answer = await overrideAudited(runtime, audit, intervention, async ({ record }) =>
    purges ? whyNotErasedHere(runtime, record) : undefined,
  );
  // A purge that was signed before, by a call whose answer was lost, may not have come to its end.
  if (purges && answer.kind === 'stale') await eraseCopies(runtime, answer.found);
  if (answer.kind !== 'overridden') return answer;
  runtime.telemetry.event('NOTICE', `A person intervened: ${override.verb}`, {
    verb: override.verb,
    actor,
    namespace,
    token: shownToken(token),
  });
  if (purges) await eraseCopies(runtime, answer.found);
  const isOurs = namespace === tasksOf;
  const published = isOurs && freesTask(override) && (await publish(runtime, answer.found));
  return { kind: 'done', found: answer.found, published };
}

async function whyNotErasedHere(
  runtime: Runtime,
  record: OperationRecord,
): Promise<string | undefined> {
  const kept = await whyNotErasable(runtime, record);
  if (kept !== undefined) return kept;
  const { cold } = runtime;
  const copied = cold && (await isSpilledCold(cold, record));
  if (record.status !== 'archived' && !copied) return undefined;
  return (
    'Its payload lies in cold storage, where the service may delete nothing. Somebody with access to ' +
    'the store and the buckets can erase it: agent-once --store firestore --project PROJECT ' +
    `--namespace ${record.namespace} purge ${record.token} --actor WHO --reason WHY`
  );
}

/** Without cold storage: deleting there takes a right that the service has not, though nothing be there. */
function eraseCopies({ store, blobs }: Runtime, { record }: StoredOperation): Promise<void> {
  return erasePurged({ store, blobs }, record);
}

function freesTask({ verb }: Override): boolean {
  return verb === 'resolve_done' || verb === 'resolve_not_done' || verb === 'force_release';
}

async function publish(runtime: Runtime, found: StoredOperation): Promise<boolean> {
  try {
    return await publishStoredTask(runtime, found);
  } catch (error) {
    runtime.telemetry.event('WARNING', 'A task was not published; a sweep publishes it', {
      error: String(error),
    });
    return false;
  }
}
