import { readFields } from '../handlers/task-fields.ts';
import type { DeadLetter, WhyDead } from '../ports/dead-letters.ts';
import { MalformedComponent } from '../token/hash.ts';
import { keyToken, parseAction, parseToken, shownToken } from '../token/token.ts';
import type { Namespace } from '../token/token.ts';

/** A dead letter as far as its message can be read. */
export interface LetterView {
  readonly messageId: string;
  readonly action?: string;
  /** Hashed, as logs show it. */
  readonly token?: string;
  readonly reason: WhyDead;
  readonly faults: readonly string[];
  /** When it was put aside. */
  readonly at?: number;
}

export function letterView(
  { message, why, faults, at }: DeadLetter,
  namespace: Namespace,
): LetterView {
  const read = readFields(message);
  const fields = read.kind === 'fields' ? read.fields : {};
  const action = actionOf(fields['action']) ?? actionOf(message.attributes['action']);
  const token = tokenOf(fields, namespace);
  return {
    messageId: message.id,
    ...(action !== undefined && { action }),
    ...(token !== undefined && { token }),
    reason: why,
    faults,
    ...(at !== undefined && { at }),
  };
}

export function letterJson({ at, ...view }: LetterView): unknown {
  return { ...view, ...(at !== undefined && { at: new Date(at).toISOString() }) };
}

/** What is no action is not printed: it may be anything. */
function actionOf(field: unknown): string | undefined {
  return typeof field === 'string' ? parseAction(field) : undefined;
}

function tokenOf(
  { token, key }: Readonly<Record<string, unknown>>,
  namespace: Namespace,
): string | undefined {
  const given = typeof token === 'string' ? parseToken(token) : undefined;
  if (given) return shownToken(given);
  if (typeof key !== 'string' || key === '') return undefined;
  try {
    return shownToken(keyToken(namespace, key));
  } catch (error) {
    if (error instanceof MalformedComponent) return undefined;
    throw error;
  }
}
