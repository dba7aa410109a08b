import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from './failure.ts';

const LOOK_AGAIN_MS = 200;
const CHUNK_BYTES = 64 * 1024;

/** The lines of a stream, until it ends or the signal aborts. */
export function streamLines(input: Readable, signal: AbortSignal): AsyncIterable<string> {
  return createInterface({ input, signal });
}

/**
 * The lines of a file and, with `follow`, those that are appended later, until the signal aborts. A
 * file that shrinks was started anew, and is read from its beginning.
 */
export async function* fileLines(
  path: string,
  { follow, signal }: { readonly follow: boolean; readonly signal: AbortSignal },
): AsyncGenerator<string> {
  const file = await openLog(path);
  try {
    const decoder = new StringDecoder('utf8');
    let position = 0;
    let rest = '';
    while (!signal.aborted) {
      const bytes = await readFrom(file, position);
      if (bytes.length > 0) {
        position += bytes.length;
        const lines = (rest + decoder.write(bytes)).split('\n');
        rest = lines.pop() ?? '';
        yield* lines;
      } else if (follow) {
        await delay(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {});
        if ((await file.stat()).size < position) [position, rest] = [0, ''];
      } else {
        if (rest !== '') yield rest;
        return;
      }
    }
  } finally {
    await file.close();
  }
}

async function readFrom(file: FileHandle, position: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(
    Buffer.alloc(CHUNK_BYTES),
    0,
    CHUNK_BYTES,
    position,
  );
  return buffer.subarray(0, bytesRead);
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    throw new Failure('notFound', `The log ${path} can't be read.`, {
      advice:
        'Name the file that the functions’ output goes to, or pipe it in: … | agent-once tail -',
      cause: error,
    });
  }
}
