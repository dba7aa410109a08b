import { decodeValue } from './canonical-decode.ts';
import { encodeValue } from './canonical-encode.ts';
import { refuse, type Trail } from './canonical-trail.ts';

export { CanonicalError } from './canonical-trail.ts';

/**
 * The one text of a value, equal for equal values whatever their insertion order: RFC 8785, extended
 * by tags for what JSON can't say.
 *
 * | value | text |
 * | --- | --- |
 * | Date, bigint | `{"$date":"2026-01-31T00:00:00.000Z"}`, `{"$bigint":"123"}` |
 * | Uint8Array, Buffer | `{"$bytes":"base64"}` |
 * | Map, Set | `{"$map":[[k,v],…]}`, `{"$set":[…]}`, sorted by the members' own text |
 * | undefined | `{"$undefined":true}` at the top, in an array, a Map or a Set |
 * | object with one member, named `$…` | `{"$object":{…}}`, so that no object passes for a tag |
 *
 * A property whose value is undefined is absent, as in JSON: message transport drops it, and where two
 * requests differ only in that, seeing one request is the safe direction. `null` and absent differ.
 * -0 is 0. Prototypes are not kept: a Buffer comes back as Uint8Array, an object as an ordinary one.
 *
 * Refused with {@link CanonicalError}: NaN and infinities, lone surrogates, functions, symbols, getters
 * (no code of the value's runs, `toJSON` neither), class instances, sparse arrays, extra properties
 * on arrays, Dates, Maps and Sets, equal members of a Map or Set, cycles, more than 200 levels.
 */
export function encodeCanonical(value: unknown): string {
  return encodeValue(value, { verb: 'encode', ancestors: [], steps: [] });
}

/**
 * The value that {@link encodeCanonical} made the text from. White space and order are free, so that
 * other languages can write it; an unknown, forged or malformed tag is a {@link CanonicalError}.
 */
export function decodeCanonical(text: string): unknown {
  const trail: Trail = { verb: 'decode', ancestors: [], steps: [] };
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    return refuse(trail, 'the text is not JSON', `The parser says: ${(error as Error).message}`);
  }
  return decodeValue(parsed, trail);
}
