import { encodeValue } from './canonical-encode.ts';
import { enter, refuse, refuseRepeat, type Trail } from './canonical-trail.ts';

/** The value that a parsed canonical text stands for. Reuses the parsed tree. */
export function decodeValue(value: unknown, trail: Trail): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return refuse(
      trail,
      'the number is out of range',
      'Send it as {"$bigint":"…"} or as a string.',
    );
  }
  if (typeof value === 'string' && !value.isWellFormed()) {
    return refuse(trail, 'the text has a lone surrogate', 'Send bytes as {"$bytes":"base64"}.');
  }
  if (typeof value !== 'object' || value === null) return value === 0 ? 0 : value;
  if (Array.isArray(value)) return decodeArray(value, trail);
  const keys = Object.keys(value);
  const [tag] = keys;
  if (keys.length !== 1 || tag === undefined || !tag.startsWith('$')) {
    return decodePlain(value, keys, trail);
  }
  return decodeTag(tag, (value as Record<string, unknown>)[tag], trail);
}

function decodePlain(object: object, keys: readonly string[], trail: Trail): object {
  enter(object, trail);
  for (const key of keys) {
    trail.steps.push(key);
    if (!key.isWellFormed()) refuse(trail, 'the key has a lone surrogate', 'Rename the member.');
    const before: unknown = (object as Record<string, unknown>)[key];
    const value = decodeValue(before, trail);
    if (value === undefined)
      refuse(trail, 'undefined is no property value', 'Leave the member out.');
    // Defined, not assigned: a member named __proto__ stays a member.
    if (!Object.is(value, before)) {
      Object.defineProperty(object, key, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    trail.steps.pop();
  }
  trail.ancestors.pop();
  return object;
}

function decodeArray(array: unknown[], trail: Trail): unknown[] {
  enter(array, trail);
  for (let index = 0; index < array.length; index += 1) {
    trail.steps.push(index);
    array[index] = decodeValue(array[index], trail);
    trail.steps.pop();
  }
  trail.ancestors.pop();
  return array;
}

function decodeTag(tag: string, content: unknown, trail: Trail): unknown {
  switch (tag) {
    case '$undefined':
      return content === true ? undefined : refuseTag(trail, tag, 'true');
    case '$bigint':
      if (typeof content === 'string' && /^(?:0|-?[1-9][0-9]*)$/.test(content))
        return BigInt(content);
      return refuseTag(trail, tag, 'a decimal integer as a string');
    case '$date': {
      const date = new Date(typeof content === 'string' ? content : Number.NaN);
      if (!Number.isNaN(date.getTime()) && date.toISOString() === content) return date;
      return refuseTag(trail, tag, 'a time as toISOString() writes it');
    }
    case '$bytes': {
      const bytes = Buffer.from(typeof content === 'string' ? content : '', 'base64');
      if (bytes.toString('base64') === content) return Uint8Array.from(bytes);
      return refuseTag(trail, tag, 'base64 with its padding');
    }
    case '$map':
      return decodeMap(content, trail);
    case '$set':
      return decodeSet(content, trail);
    case '$object': {
      const keys = isObject(content) ? Object.keys(content) : [];
      if (isObject(content) && keys.length === 1 && keys[0]?.startsWith('$')) {
        return decodePlain(content, keys, trail);
      }
      return refuseTag(trail, tag, 'an object whose one member has a name that starts with $');
    }
    default:
      return refuse(
        trail,
        `${JSON.stringify(tag)} is not a known tag`,
        `A plain object with this one member is written {"$object":{${JSON.stringify(tag)}:…}}.`,
      );
  }
}

function decodeMap(content: unknown, trail: Trail): Map<unknown, unknown> {
  if (!Array.isArray(content)) return refuseTag(trail, '$map', 'an array of [key, value]');
  enter(content, trail);
  const map = new Map<unknown, unknown>();
  const keys = new Set<string>();
  for (const [position, entry] of content.entries()) {
    if (!Array.isArray(entry) || entry.length !== 2) {
      return refuseTag(trail, '$map', 'an array of [key, value]');
    }
    const key = decodeMember(entry[0], `key ${position}`, trail);
    const text = canonicalText(key);
    if (keys.has(text)) refuseRepeat(trail, `key ${position}`);
    keys.add(text);
    map.set(key, decodeMember(entry[1], `value ${position}`, trail));
  }
  trail.ancestors.pop();
  return map;
}

function decodeSet(content: unknown, trail: Trail): Set<unknown> {
  if (!Array.isArray(content)) return refuseTag(trail, '$set', 'an array');
  enter(content, trail);
  const set = new Set<unknown>();
  const members = new Set<string>();
  for (const [position, element] of content.entries()) {
    const member = decodeMember(element, `member ${position}`, trail);
    const text = canonicalText(member);
    if (members.has(text)) refuseRepeat(trail, `member ${position}`);
    members.add(text);
    set.add(member);
  }
  trail.ancestors.pop();
  return set;
}

function decodeMember(value: unknown, member: string, trail: Trail): unknown {
  trail.steps.push({ member });
  const decoded = decodeValue(value, trail);
  trail.steps.pop();
  return decoded;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function canonicalText(member: unknown): string {
  return encodeValue(member, { verb: 'decode', ancestors: [], steps: [] });
}

function refuseTag(trail: Trail, tag: string, expected: string): never {
  return refuse(trail, `the tag ${tag} is malformed`, `It holds ${expected}.`);
}
