import type { AuditLog } from '../ports/audit-log.ts';
import type { Context } from './context.ts';

/** Does what a person asked for with the store's audit log at hand. */
export async function onRecord<T>(
  { auditLog }: Pick<Context, 'auditLog'>,
  act: (audit: AuditLog) => Promise<T>,
): Promise<T> {
  const audit = await auditLog();
  try {
    return await act(audit);
  } finally {
    await audit.close();
  }
}
