import { digestOf } from '../token/hash.ts';

/** An entry's identity: the same intervention, told again, is the same entry. */
export function auditEntryId(entry: {
  readonly namespace: string;
  readonly token: string;
  readonly verb: string;
  readonly actor: string;
  readonly reason: string;
  readonly at: number;
}): string {
  const { namespace, token, verb, actor, reason, at } = entry;
  return digestOf('a1', [namespace, token, verb, actor, reason, String(at)]);
}
