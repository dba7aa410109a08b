import type { RecordedOverride, StoredOperation } from '../operation/record.ts';
import type { AuditEntry, AuditLog } from '../ports/audit-log.ts';
import type { Override } from '../ports/token-store.ts';
import type { Namespace, Token } from '../token/token.ts';
import { publishStoredTask } from './publish-stored-task.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

export interface Intervention {
  readonly namespace: Namespace;
  readonly token: Token;
  readonly override: Override;
  readonly actor: string;
  readonly reason: string;
  /** The fence that the person saw: an intervention sent again finds a higher one. */
  readonly fence: number;
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

/**
 * A person's override, on record in the audit log.
 *
 * The override is one write, signed in the record itself with actor, reason and time; its entry in the
 * log is a second one. Where that one is lost, the record still bears the signature, and the entry is
 * added before the next intervention on the operation is carried out: none is ever unlogged for good.
 * Where publishing the task is lost, the sweep publishes it.
 *
 * @throws {StoreAway} whether it is done is then unknown: look at the operation, its fence tells
 */
export async function intervene(
  runtime: Runtime,
  audit: AuditLog,
  { namespace, token, override, actor, reason, fence }: Intervention,
): Promise<InterventionAnswer> {
  const { store, clock, limits } = runtime;
  const inTime = <T>(asked: Promise<T>) => within(clock, limits.recordAnswerMs, asked);

  const found = await inTime(store.get(namespace, token));
  if (!found) return { kind: 'absent' };
  await inTime(log(audit, found));
  if (found.record.fence !== fence) return { kind: 'stale', found };

  const answer = await inTime(store.override(namespace, token, { override, actor, reason }));
  if (answer.kind === 'absent') return answer;
  if (answer.kind === 'refused') return { kind: 'refused', found, why: answer.why };
  await inTime(log(audit, answer.found));
  const published = freesTask(override) && (await publish(runtime, answer.found));
  return { kind: 'done', found: answer.found, published };
}

async function log(audit: AuditLog, { record }: StoredOperation): Promise<void> {
  const { namespace, token, override } = record;
  if (override) await audit.append(entryOf(namespace, token, override));
}

function entryOf(
  namespace: Namespace,
  token: Token,
  { verb, actor, reason, at }: RecordedOverride,
): AuditEntry {
  return { namespace, token, verb, actor, reason, at };
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
