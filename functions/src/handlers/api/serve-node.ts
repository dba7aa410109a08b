import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answer } from './answer.ts';
import type { ApiApp } from './app.ts';
import { problem } from './problem.ts';
import { BODY_MAX_BYTES, tooLarge, withBody } from './read-body.ts';

/** As functions-framework hands a request over: its body read already. */
type NodeRequest = IncomingMessage & { readonly rawBody?: Uint8Array | undefined };

/** The service on Node's own server, or on functions-framework. Never rejects. */
export function serveNode(
  app: ApiApp,
): (request: NodeRequest, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      const body = await bytesOf(request);
      if (body === 'too large') return write(response, tooLarge());
      const answer = await app.fetch(requestOf(request, body));
      const headers = Object.fromEntries(answer.headers);
      const bytes = Buffer.from(await answer.arrayBuffer());
      response.writeHead(answer.status, { ...headers, 'Content-Length': bytes.length }).end(bytes);
    } catch {
      // The app answers every request: it was the request that could not be read.
      write(response, problem('invalid', 'The request cannot be read.', { faults: ['request'] }));
    }
  };
}

function requestOf(request: NodeRequest, body: Uint8Array): Request {
  const { method = 'GET', url = '/', headers } = request;
  const asked = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === 'string' && !name.startsWith(':')) asked.set(name, value);
  }
  const target = new URL(url.replace(/^\/{2,}/, '/'), 'http://localhost');
  return withBody(new Request(target, { method, headers: asked }), body);
}

async function bytesOf(request: NodeRequest): Promise<Uint8Array | 'too large'> {
  if (request.rawBody) {
    return request.rawBody.length > BODY_MAX_BYTES ? 'too large' : new Uint8Array(request.rawBody);
  }
  if (request.readableEnded) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    // Read to its end nevertheless: a connection that is cut short loses the answer.
    if (length <= BODY_MAX_BYTES) chunks.push(chunk);
  }
  return length > BODY_MAX_BYTES ? 'too large' : new Uint8Array(Buffer.concat(chunks));
}

function write(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  if (response.headersSent || response.destroyed) return;
  response
    .writeHead(status, { 'Content-Type': 'application/json', ...headers })
    .end(JSON.stringify(body));
}
