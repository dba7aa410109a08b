import type { RawMessage } from '../ports/task-publisher.ts';
import { CanonicalError, decodeCanonical } from '../token/canonical.ts';

export type ReadFields =
  | { readonly kind: 'fields'; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** A task's fields as they came, tags decoded: from the data, or from the attributes where there is none. */
export function readFields({ data, attributes }: RawMessage): ReadFields {
  return data.length === 0 ? fromAttributes(attributes) : fromData(data);
}

function fromData(data: Uint8Array): ReadFields {
  let text: string;
  try {
    text = UTF8.decode(data);
  } catch {
    return { kind: 'invalid', faults: ['data: is not UTF-8'] };
  }
  const decoded = decode(text, 'data', '');
  if (decoded.kind === 'fault') return { kind: 'invalid', faults: [decoded.fault] };
  const { value } = decoded;
  if (isPlainObject(value)) return { kind: 'fields', fields: value };
  return { kind: 'invalid', faults: ['data: must be a JSON object, a task'] };
}

const TEXT_FIELDS = [
  'schema',
  'action',
  'key',
  'token',
  'requestHash',
  'contextHash',
  'agent',
  'root',
  'path',
  'traceparent',
] as const;
const NUMBER_FIELDS = ['logicalTime', 'madeAt', 'deadlineAt'] as const;
const JSON_FIELDS = ['params', 'window', 'workflow'] as const;

/** The names that a task's fields have as attributes. */
export const TASK_ATTRIBUTES: readonly string[] = [
  ...TEXT_FIELDS,
  ...NUMBER_FIELDS,
  ...JSON_FIELDS,
];

function fromAttributes(attributes: RawMessage['attributes']): ReadFields {
  if (!TASK_ATTRIBUTES.some((name) => Object.hasOwn(attributes, name))) {
    return { kind: 'invalid', faults: ['data: is empty, and no attribute is a field of a task'] };
  }
  const fields: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const [name, text] of Object.entries(attributes)) {
    if (isOneOf(TEXT_FIELDS, name)) fields[name] = text;
    else if (isOneOf(NUMBER_FIELDS, name)) fields[name] = numberOrText(text);
    else if (isOneOf(JSON_FIELDS, name)) {
      const decoded = decode(text, name, name);
      if (decoded.kind === 'fault') faults.push(decoded.fault);
      else fields[name] = decoded.value;
    }
  }
  return faults.length === 0 ? { kind: 'fields', fields } : { kind: 'invalid', faults };
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}

/** What is not a plain decimal stays text, for the schema to refuse by name. */
function numberOrText(text: string): number | string {
  return /^\d{1,16}$/.test(text) ? Number(text) : text;
}

type Decoded =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'fault'; readonly fault: string };

/** `root` is what the text's own root is called in a fault, `prefix` what its members' paths begin with. */
function decode(text: string, root: string, prefix: string): Decoded {
  try {
    return { kind: 'value', value: decodeCanonical(text) };
  } catch (error) {
    if (error instanceof CanonicalError)
      return { kind: 'fault', fault: faultOf(error, root, prefix) };
    throw error;
  }
}

function faultOf({ path, message }: CanonicalError, root: string, prefix: string): string {
  const problem = message.slice(message.indexOf(': ') + 2);
  const below = `${prefix}${path.slice(1)}`.replace(/^\./, '');
  return `${path === '$' ? root : below}: ${problem}`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
  );
}
