import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Runtime } from '../engine/runtime.ts';
import { credentialsOf } from '../ports/verify-caller.ts';
import type { VerifyCaller } from '../ports/verify-caller.ts';
import { reportFailure } from './handle-message.ts';
import { headerOf } from './push-request.ts';
import type { PushRequest } from './push-request.ts';

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** For people; Pub/Sub looks at the status only. */
  readonly text?: string;
}

export type Handler = (
  request: IncomingMessage & PushRequest,
  response: ServerResponse,
) => Promise<void>;

/** Who posts to a function, as anybody else is told. */
export type PostedBy = 'a scheduler' | 'a Pub/Sub push subscription';

export interface Guarded {
  readonly runtime: Pick<Runtime, 'telemetry'>;
  /** Only an emulator, which sends no proof of who it is, may be left unverified. */
  readonly verifyCaller: VerifyCaller | 'unverified';
}

/**
 * A handler that lets only its caller in, answers every request and never rejects: a rejection would take
 * the instance down, and the tasks that it runs besides. What `replyTo` throws is logged under `failure`,
 * and answered 503.
 */
export function postedBy(
  poster: PostedBy,
  options: Guarded,
  failure: string,
  replyTo: (request: IncomingMessage & PushRequest) => Promise<Reply>,
): Handler {
  return async (request, response) => {
    let reply: Reply;
    try {
      reply = (await refusal(poster, options, request)) ?? (await replyTo(request));
    } catch (error) {
      reportFailure(options.runtime, failure, error);
      reply = { status: 503, text: 'The request could not be handled. Send it again.' };
    }
    send(response, reply);
  };
}

/** The answer to a caller that may not call; `undefined` for one that may. */
async function refusal(
  poster: PostedBy,
  { verifyCaller, runtime }: Guarded,
  request: IncomingMessage & PushRequest,
): Promise<Reply | undefined> {
  if (request.method !== 'POST') {
    const text = `This is the endpoint of ${poster}: POST only.`;
    return { status: 405, headers: { Allow: 'POST' }, text };
  }
  if (verifyCaller === 'unverified') return undefined;
  const caller = await verifyCaller(credentialsOf((name) => headerOf(request, name)));
  if (caller.kind === 'verified') return undefined;
  const { kind, why } = caller;
  runtime.telemetry.event('WARNING', `A push request was refused: ${why}`, { caller: kind });
  if (kind === 'unavailable') return { status: 503, text: 'The caller could not be verified now.' };
  if (caller.status === 403) {
    return { status: 403, text: 'This caller may not push to this function.' };
  }
  const text = "The request needs a valid OIDC token of the push subscription's service account.";
  return { status: 401, headers: { 'WWW-Authenticate': 'Bearer' }, text };
}

/** The framework answers by itself where a step's stray callback throws: then it is too late. */
function send(response: ServerResponse, { status, headers = {}, text }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (text === undefined) {
    response.end();
    return;
  }
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${text}\n`);
}
