import type { StoredOperation } from '../operation/record.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import type { Namespace, Token } from '../token/token.ts';
import { audited, logSignature } from './audited.ts';
import { purgeArchived } from './cold-purge.ts';
import type { ColdPurgeAnswer } from './cold-purge.ts';
import { restoreOperation } from './restore.ts';
import type { RestoreAnswer } from './restore.ts';
import type { Runtime } from './runtime.ts';

/** Which archived operation a person intervenes in, and why. */
export interface Signed {
  readonly namespace: Namespace;
  readonly token: Token;
  readonly actor: string;
  readonly reason: string;
}

/**
 * As {@link restoreOperation}, on record in the audit log. What is hot already is left as it is, and so is
 * the log.
 */
export function restoreAudited(
  runtime: Runtime,
  audit: AuditLog,
  signed: Signed,
): Promise<RestoreAnswer> {
  const { namespace, token, ...by } = signed;
  return onArchived(runtime, audit, signed, {
    verb: 'restore',
    write: (at) => restoreOperation(runtime, namespace, token, { ...by, at }),
    isDone: ({ kind }) => kind === 'restored',
  });
}

/**
 * As {@link purgeArchived}, on record in the audit log: also where it goes on with a purge that was
 * broken off, and whoever signed that one stays on record beside.
 */
export function purgeAudited(
  runtime: Runtime,
  audit: AuditLog,
  cold: ColdStorage,
  signed: Signed,
): Promise<ColdPurgeAnswer> {
  return onArchived(runtime, audit, signed, {
    verb: 'purge',
    write: (at) => purgeArchived(runtime, cold, { ...signed, at }),
    isDone: ({ kind }) => kind === 'purged',
  });
}

interface ColdAct<T> {
  readonly verb: string;
  readonly write: (at: number) => Promise<T>;
  readonly isDone: (answer: T) => boolean;
}

async function onArchived<T>(
  runtime: Runtime,
  audit: AuditLog,
  { namespace, token, actor, reason }: Signed,
  { verb, write, isDone }: ColdAct<T>,
): Promise<T | { kind: 'absent' } | { kind: 'hot'; found: StoredOperation }> {
  const found = await runtime.store.get(namespace, token);
  if (!found) return { kind: 'absent' };
  if (found.record.status !== 'archived') return { kind: 'hot', found };
  await logSignature(runtime, audit, found);
  return audited(runtime, audit, found, { verb, actor, reason }, write, isDone);
}
