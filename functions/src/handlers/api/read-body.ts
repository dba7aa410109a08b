import type { Answer } from './answer.ts';
import { problem } from './problem.ts';

export const BODY_MAX_BYTES = 4 * 1024 * 1024;
export const BODY_MAX_DEPTH = 64;

export type ReadBody =
  | { readonly kind: 'json'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly answer: Answer };

const UTF8 = new TextDecoder('utf-8', { fatal: true });

const received = new WeakMap<Request, Uint8Array>();

/** A request whose body is at hand: reading it as a stream costs more than the rest of a short call. */
export function withBody(request: Request, bytes: Uint8Array): Request {
  received.set(request, bytes);
  return request;
}

export async function bodyOf(request: Request): Promise<Uint8Array> {
  return received.get(request) ?? new Uint8Array(await request.arrayBuffer());
}

/** A body as JSON; an empty one is `{}`. Judged by size and depth before it is parsed. */
export function readBody(bytes: Uint8Array, contentType: string | undefined): ReadBody {
  if (bytes.byteLength === 0) return { kind: 'json', value: {} };
  if (bytes.byteLength > BODY_MAX_BYTES) return refused(tooLarge());
  if (!/^application\/json\s*(?:;|$)/i.test(contentType ?? '')) {
    return refused(problem('unsupported_media_type', `The body is ${contentType ?? 'unnamed'}.`));
  }
  if (depthOf(bytes) > BODY_MAX_DEPTH) {
    return refused(invalid(`body: is nested deeper than ${BODY_MAX_DEPTH} levels`));
  }
  try {
    return { kind: 'json', value: JSON.parse(UTF8.decode(bytes)) as unknown };
  } catch (error) {
    return refused(invalid(`body: is not JSON in UTF-8 (${(error as Error).message})`));
  }
}

export function tooLarge(): Answer {
  return problem('too_large', `The body is larger than ${BODY_MAX_BYTES} bytes.`);
}

function invalid(fault: string): Answer {
  return problem('invalid', 'The body cannot be read.', { faults: [fault] });
}

function refused(answer: Answer): ReadBody {
  return { kind: 'refused', answer };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LEFT_BRACKET = 0x5b;
const RIGHT_BRACKET = 0x5d;
const LEFT_BRACE = 0x7b;
const RIGHT_BRACE = 0x7d;

/** How deep the brackets outside of texts are nested. */
function depthOf(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inText = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (inText) {
      if (byte === BACKSLASH) index += 1;
      else if (byte === QUOTE) inText = false;
    } else if (byte === QUOTE) {
      inText = true;
    } else if (byte === LEFT_BRACKET || byte === LEFT_BRACE) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (byte === RIGHT_BRACKET || byte === RIGHT_BRACE) {
      depth -= 1;
    }
  }
  return deepest;
}
