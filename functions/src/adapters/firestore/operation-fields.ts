import { FieldValue } from '@google-cloud/firestore';
import type { OperationRecord } from '../../operation/record.ts';
import type { Patch } from '../../ports/operation-documents.ts';

/** Fields that hold a payload: canonical text, or a map that says where the payload is. */
const PAYLOADS: ReadonlySet<string> = new Set(['task', 'result', 'outbox']);

/**
 * A record or a patch as Firestore holds it. Inline payloads and the retention are plain strings there:
 * as nested maps they took as long to send as all other fields of a record together.
 */
export function operationFields(fields: OperationRecord | Patch): Record<string, unknown> {
  const stored: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) stored[name] = storedField(name, value);
  return stored;
}

/** The inverse of {@link operationFields}, for a whole record. */
export function operationRecord(stored: Readonly<Record<string, unknown>>): OperationRecord {
  const record: Record<string, unknown> = { ...stored };
  for (const name of PAYLOADS) {
    const payload = stored[name];
    if (typeof payload === 'string') record[name] = { kind: 'inline', text: payload };
  }
  record['retention'] = JSON.parse(String(stored['retention']));
  return record as unknown as OperationRecord;
}

function storedField(name: string, value: unknown): unknown {
  if (value === null) return FieldValue.delete();
  if (name === 'retention') return JSON.stringify(value);
  if (PAYLOADS.has(name) && isInline(value)) return value.text;
  return value;
}

function isInline(value: unknown): value is { readonly text: string } {
  return typeof value === 'object' && value !== null && 'text' in value;
}
