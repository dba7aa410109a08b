import { enter, refuse, refuseExtra, refuseRepeat, type Trail } from './canonical-trail.ts';

/** The canonical text of a value below the trail. */
export function encodeValue(value: unknown, trail: Trail): string {
  switch (typeof value) {
    case 'string':
      return quote(value, trail);
    case 'number':
      if (Number.isFinite(value)) return String(value);
      return refuse(trail, `${value} is not a JSON number`, 'Use null or a string instead.');
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return '{"$undefined":true}';
    case 'bigint':
      return `{"$bigint":"${value}"}`;
    case 'object':
      return value === null ? 'null' : encodeObject(value, trail);
    case 'function':
    case 'symbol':
      return refuse(
        trail,
        `a ${typeof value} is not data`,
        'Leave it out, or pass what it yields.',
      );
  }
}

function encodeObject(value: object, trail: Trail): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return encodePlain(value, trail);
  if (Array.isArray(value) && prototype === Array.prototype) return encodeArray(value, trail);
  if (prototype === Date.prototype) return encodeDate(value as Date, trail);
  if (prototype === Uint8Array.prototype || prototype === Buffer.prototype) {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return `{"$bytes":"${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}"}`;
  }
  if (prototype === Map.prototype) return encodeMap(value as Map<unknown, unknown>, trail);
  if (prototype === Set.prototype) return encodeSet(value as Set<unknown>, trail);
  const { constructor } = value;
  const name = typeof constructor === 'function' && constructor.name ? constructor.name : 'a class';
  return refuse(trail, `an instance of ${name} is not plain data`, 'Copy its fields to an object.');
}

function encodePlain(object: object, trail: Trail): string {
  enter(object, trail);
  if (Object.getOwnPropertySymbols(object).length > 0) refuseExtra(trail, 'a symbol key');
  const keys = sortKeys(Object.keys(object));
  let members = '';
  let count = 0;
  let last = '';
  for (const key of keys) {
    trail.steps.push(key);
    const property = Object.getOwnPropertyDescriptor(object, key) as PropertyDescriptor;
    if (!('value' in property)) refuse(trail, 'a getter is not data', 'Pass the value it yields.');
    if (property.value !== undefined) {
      const member = `${quote(key, trail)}:${encodeValue(property.value, trail)}`;
      members = count === 0 ? member : `${members},${member}`;
      count += 1;
      last = key;
    }
    trail.steps.pop();
  }
  trail.ancestors.pop();
  return count === 1 && last.startsWith('$') ? `{"$object":{${members}}}` : `{${members}}`;
}

function encodeArray(array: readonly unknown[], trail: Trail): string {
  enter(array, trail);
  let elements = '';
  for (let index = 0; index < array.length; index += 1) {
    const element = array[index];
    trail.steps.push(index);
    if (element === undefined && !(index in array)) {
      refuse(trail, 'the array has a hole here', 'Put null or undefined in its place.');
    }
    const text = encodeValue(element, trail);
    elements = index === 0 ? text : `${elements},${text}`;
    trail.steps.pop();
  }
  if (Object.keys(array).length > array.length) refuseExtra(trail, 'a named property');
  if (Object.getOwnPropertySymbols(array).length > 0) refuseExtra(trail, 'a symbol key');
  trail.ancestors.pop();
  return `[${elements}]`;
}

function encodeDate(date: Date, trail: Trail): string {
  if (Reflect.ownKeys(date).length > 0) refuseExtra(trail, 'a property of its own');
  if (!Number.isNaN(date.getTime())) return `{"$date":"${date.toISOString()}"}`;
  return refuse(trail, 'the Date is invalid', 'Check what it was made from, or use null.');
}

function encodeMap(map: ReadonlyMap<unknown, unknown>, trail: Trail): string {
  enter(map, trail);
  if (Reflect.ownKeys(map).length > 0) refuseExtra(trail, 'a property of its own');
  const entries = new Map<string, string>();
  let position = 0;
  for (const [key, value] of map) {
    const keyText = encodeMember(key, `key ${position}`, trail);
    if (entries.has(keyText)) refuseRepeat(trail, `key ${position}`);
    entries.set(keyText, encodeMember(value, `value ${position}`, trail));
    position += 1;
  }
  trail.ancestors.pop();
  const sorted = sortKeys([...entries.keys()]);
  return `{"$map":[${sorted.map((key) => `[${key},${entries.get(key)}]`).join(',')}]}`;
}

function encodeSet(set: ReadonlySet<unknown>, trail: Trail): string {
  enter(set, trail);
  if (Reflect.ownKeys(set).length > 0) refuseExtra(trail, 'a property of its own');
  const members = new Set<string>();
  for (const member of set) {
    const label = `member ${members.size}`;
    const text = encodeMember(member, label, trail);
    if (members.has(text)) refuseRepeat(trail, label);
    members.add(text);
  }
  trail.ancestors.pop();
  return `{"$set":[${sortKeys([...members]).join(',')}]}`;
}

function encodeMember(value: unknown, member: string, trail: Trail): string {
  trail.steps.push({ member });
  const text = encodeValue(value, trail);
  trail.steps.pop();
  return text;
}

function quote(text: string, trail: Trail): string {
  if (text.length <= 64 && needsNoEscape(text)) return `"${text}"`;
  if (text.isWellFormed()) return JSON.stringify(text);
  return refuse(
    trail,
    'the text has a lone surrogate',
    'Send bytes, or call toWellFormed() on it.',
  );
}

/** Calling JSON.stringify costs more than this look at a short text. */
function needsNoEscape(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x20 || unit === 0x22 || unit === 0x5c || (unit >= 0xd800 && unit <= 0xdfff)) {
      return false;
    }
  }
  return true;
}

/** By UTF-16 code units. The built-in sort takes longer than all else for a handful of keys. */
function sortKeys(keys: string[]): string[] {
  if (keys.length > 16) return keys.toSorted();
  for (let next = 1; next < keys.length; next += 1) {
    const key = keys[next] as string;
    let at = next;
    for (; at > 0 && (keys[at - 1] as string) > key; at -= 1) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}
