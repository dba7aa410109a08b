import { Timestamp } from '@google-cloud/firestore';
import type { protos } from '@google-cloud/firestore-api';

/** As the client reads them, with the name of the one field that is set. */
type Value = protos.google.firestore.v1.IValue & {
  readonly valueType?: keyof protos.google.firestore.v1.IValue;
};

/**
 * A value as Firestore's API takes it. What is `undefined` is left out. Whole numbers are integers, as
 * with the Firestore client, so that one reads what the other wrote.
 *
 * @throws {TypeError} for what records never hold: functions, symbols, class instances but Timestamp
 */
export function valueOf(value: unknown): Value {
  switch (typeof value) {
    case 'string':
      return { stringValue: value };
    case 'boolean':
      return { booleanValue: value };
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0)
        ? { integerValue: value }
        : { doubleValue: value };
    case 'object':
      break;
    default:
      throw new TypeError(`A record can't hold a ${typeof value}.`);
  }
  if (value === null) return { nullValue: 'NULL_VALUE' };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  if (value instanceof Timestamp) {
    return { timestampValue: { seconds: value.seconds, nanos: value.nanoseconds } };
  }
  const fields: Record<string, Value> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field !== undefined) fields[name] = valueOf(field);
  }
  return { mapValue: { fields } };
}

/** The inverse of {@link valueOf}, for a document's fields. */
export function fieldsOf(
  fields: Readonly<Record<string, Value>> | null | undefined,
): Record<string, unknown> {
  const read: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields ?? {})) read[name] = plainOf(value);
  return read;
}

function plainOf(value: Value): unknown {
  switch (value.valueType) {
    case 'stringValue':
    case 'booleanValue':
    case 'doubleValue':
      return value[value.valueType];
    case 'integerValue':
      return Number(value.integerValue);
    case 'nullValue':
      return null;
    case 'timestampValue':
      return new Timestamp(
        Number(value.timestampValue?.seconds ?? 0),
        value.timestampValue?.nanos ?? 0,
      );
    case 'arrayValue':
      return (value.arrayValue?.values ?? []).map(plainOf);
    case 'mapValue':
      return fieldsOf(value.mapValue?.fields);
    default:
      throw new TypeError(`A record can't hold a ${value.valueType ?? 'value without a type'}.`);
  }
}

/** Changes by dotted name as the maps that they reach into. Those that remove a field are left out. */
export function nested(changes: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const whole: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === undefined) continue;
    const steps = name.split('.');
    const last = steps.pop() ?? name;
    let inner = whole;
    for (const step of steps) {
      const next = (inner[step] ?? {}) as Record<string, unknown>;
      inner[step] = next;
      inner = next;
    }
    inner[last] = value;
  }
  return whole;
}

const SIMPLE = /^[A-Za-z_]\w*$/;

/** A dotted name as a field path: what is no plain identifier is quoted. */
export function fieldPath(name: string): string {
  if (SIMPLE.test(name)) return name;
  return name
    .split('.')
    .map((step) => (SIMPLE.test(step) ? step : `\`${step.replaceAll(/[\\`]/g, '\\$&')}\``))
    .join('.');
}
