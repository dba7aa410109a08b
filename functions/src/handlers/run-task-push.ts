import type { IncomingMessage } from 'node:http';
import { decodeEnvelope } from './decode-envelope.ts';
import { handleMessage, refuse, reportInvalid } from './handle-message.ts';
import type { MessageAnswer, Receiver } from './handle-message.ts';
import { postedBy } from './push-reply.ts';
import type { Guarded, Handler, Reply } from './push-reply.ts';
import { withBody } from './push-request.ts';
import type { PushRequest } from './push-request.ts';

export type PushOptions = Receiver & Guarded;

/** Pub/Sub's largest message is 10 MB, a third more in base64. */
const BODY_MAX_BYTES = 16 * 1024 * 1024;

/** The function `run-task`: takes the requests of a push subscription, on functions-framework. */
export function runTaskPush(options: PushOptions): Handler {
  const failure = 'A push request was not handled';
  return postedBy('a Pub/Sub push subscription', options, failure, (request) =>
    replyTo(options, request),
  );
}

async function replyTo(
  options: PushOptions,
  request: IncomingMessage & PushRequest,
): Promise<Reply> {
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
