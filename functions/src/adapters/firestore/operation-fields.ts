import { Timestamp } from '@google-cloud/firestore';
import type { OperationFacts, OperationRecord } from '../../operation/record.ts';
import type { Patch } from '../../ports/operation-documents.ts';
import { OPERATION_TTL_FIELD } from '../../names.ts';

/** Fields that hold a payload: canonical text, or a map that says where the payload is. */
const PAYLOADS: ReadonlySet<string> = new Set(['task', 'result', 'outbox']);

/** Facts that queries ask for, and the effect, which a take-over may make stricter: fields of their own. */
type ApartFact = 'namespace' | 'root' | 'logicalTime' | 'shard' | 'effect';

/** What never changes and no query asks for: kept together under {@link FACTS}. */
type RestingFact = Exclude<keyof OperationFacts, ApartFact>;
const RESTING: Readonly<Record<RestingFact, true>> = {
  schema: true,
  token: true,
  action: true,
  agent: true,
  path: true,
  madeAt: true,
  requestHash: true,
  contextHash: true,
  retention: true,
};
const FACTS = 'facts';

/**
 * A record as Firestore holds it. Inline payloads are plain strings there, and the facts that no query
 * asks for are one JSON string: a claim's time grows with every field that it sends.
 */
export function operationDocument(record: OperationRecord): Record<string, unknown> {
  const facts: Record<string, unknown> = {};
  const stored: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (name in RESTING) facts[name] = value;
    else stored[name] = storedField(name, value);
  }
  stored[FACTS] = JSON.stringify(facts);
  return stored;
}

/** Changes in the same form, `null` for a field to remove. Facts never change. */
export function operationChanges(patch: Patch): Record<string, unknown> {
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(patch)) {
    if (name in RESTING) throw new TypeError(`The fact "${name}" of an operation can't change.`);
    changes[name] = storedField(name, value);
  }
  return changes;
}

/** The inverse of {@link operationDocument}. */
export function operationRecord(stored: Readonly<Record<string, unknown>>): OperationRecord {
  const { [FACTS]: facts, ...rest } = stored;
  const record: Record<string, unknown> = { ...rest, ...JSON.parse(String(facts)) };
  for (const name of PAYLOADS) {
    const payload = stored[name];
    if (typeof payload === 'string') record[name] = { kind: 'inline', text: payload };
  }
  const forgetAt = stored[OPERATION_TTL_FIELD];
  if (forgetAt instanceof Timestamp) record[OPERATION_TTL_FIELD] = forgetAt.toMillis();
  return record as unknown as OperationRecord;
}

function storedField(name: string, value: unknown): unknown {
  if (value === null) return null;
  if (PAYLOADS.has(name) && isInline(value)) return value.text;
  // Firestore's TTL goes by timestamps only.
  if (name === OPERATION_TTL_FIELD) return Timestamp.fromMillis(value as number);
  return value;
}

function isInline(value: unknown): value is { readonly text: string } {
  return typeof value === 'object' && value !== null && 'text' in value;
}
