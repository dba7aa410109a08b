import { constants } from 'node:http2';
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';

/** What a cut ends: the client's whole connection or the one call. */
export type Cut = 'connection' | 'call';

/** What becomes of one call. */
export type Fate =
  | { readonly kind: 'answered'; readonly requestMs: number; readonly answerMs: number }
  | { readonly kind: 'answerLost'; readonly requestMs: number; readonly cut: Cut }
  | { readonly kind: 'requestLost'; readonly cut: Cut };

/**
 * Carries one HTTP/2 stream of a client to the server and its answer back, trailers and resets included,
 * or tells `lose` at the moment when its fate is to be cut.
 */
export function forwardCall(
  client: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  server: ClientHttp2Session,
  fate: Fate,
  lose: (what: 'answer' | 'request', cut: Cut) => void,
): void {
  client.on('error', () => {});
  if (fate.kind === 'requestLost') {
    lose('request', fate.cut);
    return;
  }
  after(fate.requestMs, () => {
    if (client.destroyed || server.destroyed) return;
    const call = server.request(headers);
    call.on('error', () => {});
    client.on('close', () => call.close(client.rstCode));
    call.on('close', () => {
      if (call.rstCode !== constants.NGHTTP2_NO_ERROR) client.close(call.rstCode);
    });
    client.pipe(call);
    if (fate.kind === 'answerLost') {
      call.on('end', () => lose('answer', fate.cut));
      call.resume();
    } else {
      forwardAnswer(call, client, fate.answerMs);
    }
  });
}

function forwardAnswer(call: ClientHttp2Stream, client: ServerHttp2Stream, holdMs: number): void {
  let trailers: IncomingHttpHeaders = {};
  call.on('trailers', (received) => {
    trailers = received;
  });
  client.on('wantTrailers', () => client.sendTrailers(trailers));
  call.on('response', (headers, flags) => {
    const only = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    after(holdMs, () => {
      if (client.destroyed) return;
      client.respond(headers, only ? { endStream: true } : { waitForTrailers: true });
      if (!only) call.pipe(client);
    });
  });
}

function after(ms: number, act: () => void): void {
  if (ms > 0) setTimeout(act, ms).unref();
  else act();
}
