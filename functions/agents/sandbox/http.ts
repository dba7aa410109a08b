import type { IncomingMessage, ServerResponse } from 'node:http';
import type { InputFault } from './contract.ts';

export interface Reply {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

export type Sent = { ok: true; value: unknown } | { ok: false; reply: Reply };

const bodyLimitBytes = 64 * 1024;
/** A body over the limit is still read up to here, so that its sender gets to see the 413. */
const drainLimitBytes = 1024 * 1024;

export function failure(status: number, code: string, message: string): Reply {
  return { status, body: { code, message } };
}

/** The 400 that names every fault, in its message for people and as a list for programs. */
export function invalid(faults: InputFault[]): Reply {
  const message = faults.map((fault) => `${fault.path}: ${fault.message}`).join('; ');
  return { status: 400, body: { code: 'invalid', message, faults } };
}

/** Reads a JSON body. Rejects only when the connection is lost while it is read. */
export async function readJson(request: IncomingMessage): Promise<Sent> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > drainLimitBytes) throw new Error(`The body has more than ${drainLimitBytes} bytes.`);
    if (size <= bodyLimitBytes) chunks.push(chunk);
  }
  if (size > bodyLimitBytes) {
    const message = `the body has ${size} bytes, ${bodyLimitBytes} are allowed`;
    return { ok: false, reply: failure(413, 'too_large', message) };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    const message = `is not JSON: ${error instanceof Error ? error.message : String(error)}`;
    return { ok: false, reply: invalid([{ path: 'body', message }]) };
  }
}

export function send(response: ServerResponse, { status, body, headers = {} }: Reply): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
}
