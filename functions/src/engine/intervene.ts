import { StoreAway } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import type { AuditEntry, AuditLog } from '../ports/audit-log.ts';
import type { Override } from '../ports/token-store.ts';
import { shownToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { erasePurged } from './cold-erase.ts';
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
 * A person's override, on record in the audit log: as intended before the write, and as done or refused
 * after it. Nothing is written where the intention can't be; where a crash or a lost answer comes after
 * it, the intention stays, the record's own signature tells whether it was carried out, and that is added
 * to the log before the next intervention on the operation. Where publishing the task is lost, the sweep
 * publishes it.
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
  await inTime(logSignature(audit, found));
  if (found.record.fence !== fence) return { kind: 'stale', found };

  const at = Math.floor(store.now());
  const entry: AuditEntry = {
    namespace,
    token,
    verb: override.verb,
    actor,
    reason,
    at,
    phase: 'intended',
  };
  await inTime(audit.append(entry));
  const request = { override, actor, reason, ifFence: fence, at };
  const answer = await inTime(store.override(namespace, token, request));
  const phase = answer.kind === 'overridden' ? 'done' : 'refused';
  await inTime(audit.append({ ...entry, phase })).catch((error: unknown) =>
    notLogged(runtime, error),
  );
  switch (answer.kind) {
    case 'absent':
    case 'stale':
      return answer;
    case 'refused':
      return { kind: 'refused', found, why: answer.why };
    case 'overridden': {
      runtime.cache.admit(answer.found);
      runtime.telemetry.event('NOTICE', `A person intervened: ${override.verb}`, {
        verb: override.verb,
        actor,
        namespace,
        token: shownToken(token),
      });
      if (override.verb === 'purge') await erasePurged(runtime, answer.found.record);
      const published = freesTask(override) && (await publish(runtime, answer.found));
      return { kind: 'done', found: answer.found, published };
    }
  }
}

/** What the record is signed with was done, whether the log heard of it or not. */
async function logSignature(audit: AuditLog, { record }: StoredOperation): Promise<void> {
  const { namespace, token, override } = record;
  if (!override) return;
  const { verb, actor, reason, at } = override;
  await audit.append({ namespace, token, verb, actor, reason, at, phase: 'done' });
}

/** The write was made or refused, and its intention is on record: what became of it is told later. */
function notLogged({ telemetry }: Runtime, error: unknown): void {
  if (!(error instanceof StoreAway)) throw error;
  telemetry.event('WARNING', 'What became of an intervention is not in the audit log yet', {
    error: error.message,
  });
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
