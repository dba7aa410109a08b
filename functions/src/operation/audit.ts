import { digestOf } from '../token/hash.ts';

/**
 * What an entry says of its intervention. `intended` comes before the write, so that a crash between the
 * two leaves a trace of who was about to do what; `done` or `refused` comes after it.
 */
export type AuditPhase = 'intended' | 'done' | 'refused';

/**
 * An entry's identity: the same intervention, told again, is the same entry. In the order of these, what
 * became of an intervention comes after its intention.
 */
export function auditEntryId(entry: {
  readonly namespace: string;
  readonly token: string;
  readonly verb: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: number;
  readonly phase: AuditPhase;
}): string {
  const { namespace, token, verb, actor, reason, at, phase } = entry;
  const digest = digestOf('a1', [namespace, token, verb, actor, reason, String(at)]);
  return `${digest}-${phase === 'intended' ? 1 : 2}`;
}
