import type { IncomingMessage, ServerResponse } from 'node:http';
import { decodeEnvelope } from './decode-envelope.ts';
import { handleMessage, refuse, reportInvalid } from './handle-message.ts';
import type { MessageAnswer, Receiver } from './handle-message.ts';
import { answering, refusal } from './push-reply.ts';
import type { Reply } from './push-reply.ts';
import { withBody } from './push-request.ts';
import type { PushRequest } from './push-request.ts';
import type { VerifyCaller } from '../ports/verify-caller.ts';

export interface PushOptions extends Receiver {
  /** Only an emulator, which sends no proof of who it is, may be left unverified. */
  readonly verifyCaller: VerifyCaller | 'unverified';
}

/** Pub/Sub's largest message is 10 MB, a third more in base64. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/** The function `run-task`: takes the requests of a push subscription, on functions-framework. */
export function runTaskPush(
  options: PushOptions,
): (request: IncomingMessage & PushRequest, response: ServerResponse) => Promise<void> {
  return answering(options.runtime, 'A push request was not handled', (request) =>
    replyTo(options, request),
  );
}

async function replyTo(
  options: PushOptions,
  request: IncomingMessage & PushRequest,
): Promise<Reply> {
  if (request.method !== 'POST') {
    const text = 'This is the endpoint of a Pub/Sub push subscription: POST only.';
    return { status: 405, headers: { Allow: 'POST' }, text };
  }
  const refused = await refusal(options, request);
  if (refused) return refused;
  const whole = await withBody(request);
  if ((whole.rawBody?.length ?? 0) > BODY_MAX_BYTES) {
    return { status: 413, text: `The body is larger than ${BODY_MAX_BYTES} bytes.` };
  }
  const envelope = decodeEnvelope(whole);
  if (envelope.kind === 'delivery') return replyOf(await handleMessage(options, envelope));

  const { faults, message } = envelope;
  reportInvalid(options, message, faults);
  if (options.verifyCaller === 'unverified') {
    return { status: 400, text: `This is no Pub/Sub push request.\n${faults.join('\n')}` };
  }
  return replyOf(await refuse(options.runtime, message, { code: 'invalid', faults }));
}

function replyOf({ status, outcomeKind, retryAfterMs }: MessageAnswer): Reply {
  const headers: Record<string, string> = { 'Agent-Once-Outcome': outcomeKind };
  const waits = status >= 400 && retryAfterMs !== undefined;
  if (waits) headers['Retry-After'] = String(Math.ceil(retryAfterMs / 1_000));
  return { status, headers };
}
