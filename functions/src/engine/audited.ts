import { StoreAway } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import type { AuditEntry, AuditLog } from '../ports/audit-log.ts';
import { PayloadGone } from './payload.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

/** What a person does, and why. */
export interface Act {
  readonly verb: string;
  readonly actor: string;
  readonly reason: string;
}

/**
 * A person's write, on record in the audit log: as intended before it, and as done or refused after it.
 * Nothing is written where the intention can't be; where a crash or a lost answer comes after it, the
 * intention stays. `write` is given the store time of the entries, to sign the record with the same.
 *
 * @throws {StoreAway} whether it is done is then unknown: look at the operation, its fence tells
 */
export async function audited<T>(
  runtime: Runtime,
  audit: AuditLog,
  { record: { namespace, token } }: StoredOperation,
  { verb, actor, reason }: Act,
  write: (at: number) => Promise<T>,
  isDone: (answer: T) => boolean,
): Promise<T> {
  const { store, clock, limits } = runtime;
  const at = Math.floor(store.now());
  const told = { namespace, token, verb, actor, reason, at };
  const append = (phase: AuditEntry['phase']) =>
    within(clock, limits.recordAnswerMs, audit.append({ ...told, phase }));

  await append('intended');
  let answer: T;
  try {
    answer = await write(at);
  } catch (error) {
    const untouched = error instanceof PayloadGone;
    if (untouched) await append('refused').catch((why: unknown) => notLogged(runtime, why));
    throw error;
  }
  const phase = isDone(answer) ? 'done' : 'refused';
  await append(phase).catch((error: unknown) => notLogged(runtime, error));
  return answer;
}

/**
 * What the record is signed with was done, whether the log heard of it or not. To be asked before the
 * next intervention.
 */
export async function logSignature(
  { clock, limits }: Runtime,
  audit: AuditLog,
  { record }: StoredOperation,
): Promise<void> {
  const { namespace, token, override } = record;
  if (!override) return;
  const { verb, actor, reason, at } = override;
  const entry: AuditEntry = { namespace, token, verb, actor, reason, at, phase: 'done' };
  await within(clock, limits.recordAnswerMs, audit.append(entry));
}

/** The write was made or refused, and its intention is on record: what became of it is told later. */
function notLogged({ telemetry }: Runtime, error: unknown): void {
  if (!(error instanceof StoreAway)) throw error;
  telemetry.event('WARNING', 'What became of an intervention is not in the audit log yet', {
    error: error.message,
  });
}
