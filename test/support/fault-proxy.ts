import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { connect, constants, performServerHandshake } from 'node:http2';
import type { ServerHttp2Session } from 'node:http2';

import { forwardCall } from './forward-call.ts';
import type { Cut, Fate } from './forward-call.ts';
import { seededRandom } from './seeded-random.ts';

/** Which calls a fault befalls. */
export interface CallChoice {
  /** The last part of the gRPC path: `Commit` if absent. */
  readonly method?: string;
  /** Of each such call, from the proxy's seeded random numbers: 1 if absent. */
  readonly probability?: number;
  /** After so many the fault is over: never if absent. A client's own retry is a call too. */
  readonly times?: number;
  /**
   * `connection` (if absent): it is reset, with all calls on it; gRPC says UNAVAILABLE, and most clients
   * repeat the call themselves. `call`: it alone is reset; gRPC says INTERNAL, and the caller sees it.
   */
  readonly cut?: Cut;
}

export interface FaultCounts {
  connections: number;
  /** Connections refused while `down`. */
  refused: number;
  /** Connections cut, whatever the reason. */
  dropped: number;
  calls: number;
  /** Calls cut after the server had answered them. */
  lostAnswers: number;
  /** Calls cut before the server heard of them. */
  lostRequests: number;
}

/**
 * A proxy for gRPC without TLS that loses what networks lose. A fault lasts until `pass`; a second fault of
 * one kind replaces the first, and faults of different kinds add up.
 */
export interface FaultProxy {
  /** `host:port` to give to a client in place of the server's. */
  readonly host: string;
  readonly counts: Readonly<FaultCounts>;
  /** Ends all faults. */
  pass(): void;
  /** Cuts all connections and refuses new ones. */
  down(): void;
  /** Cuts the connections that exist now. */
  dropConnections(): void;
  /** The server carries out the call and answers; what is cut is cut before the client hears it. */
  loseAnswers(choice: CallChoice): void;
  /** Cut before the server hears of the call. */
  loseRequests(choice: CallChoice): void;
  /** Holds every answer, or every request, for so long. What is held is lost if the client gives up. */
  delay(ms: number, what?: 'answer' | 'request'): void;
  stop(): Promise<void>;
}

interface Faults {
  down: boolean;
  answerMs: number;
  requestMs: number;
  loseAnswer: Chooser;
  loseRequest: Chooser;
}

/** How the call is to be cut, if it is one of the chosen. */
type Chooser = (method: string) => Cut | undefined;

/** Listens on a free loopback port in front of `target` (`host:port`). Equal seeds choose equally. */
export async function startFaultProxy(options: {
  target: string;
  seed?: number;
}): Promise<FaultProxy> {
  const random = seededRandom(options.seed ?? 1);
  const counts: FaultCounts = {
    connections: 0,
    refused: 0,
    dropped: 0,
    calls: 0,
    lostAnswers: 0,
    lostRequests: 0,
  };
  const faults = noFaults();
  const sockets = new Set<Socket>();

  const cut = (socket: Socket): void => {
    if (!sockets.delete(socket)) return;
    counts.dropped += 1;
    socket.resetAndDestroy();
  };
  const fateOf = (method: string): Fate => {
    counts.calls += 1;
    const { requestMs, answerMs } = faults;
    const requestCut = faults.loseRequest(method);
    if (requestCut) return { kind: 'requestLost', cut: requestCut };
    const answerCut = faults.loseAnswer(method);
    if (answerCut) return { kind: 'answerLost', requestMs, cut: answerCut };
    return { kind: 'answered', requestMs, answerMs };
  };
  const listener = createServer((socket) => {
    socket.on('error', () => {}); // resets are this proxy's trade
    if (faults.down) {
      counts.refused += 1;
      socket.resetAndDestroy();
      return;
    }
    counts.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    proxySession(performServerHandshake(socket), {
      target: options.target,
      counts,
      fateOf,
      cut: () => cut(socket),
    });
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');

  return {
    host: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    counts,
    pass: () => Object.assign(faults, noFaults()),
    down: () => {
      faults.down = true;
      for (const socket of sockets) cut(socket);
    },
    dropConnections: () => {
      for (const socket of sockets) cut(socket);
    },
    loseAnswers: (choice) => {
      faults.loseAnswer = chooser(choice, random);
    },
    loseRequests: (choice) => {
      faults.loseRequest = chooser(choice, random);
    },
    delay: (ms, what = 'answer') => {
      faults[what === 'answer' ? 'answerMs' : 'requestMs'] = ms;
    },
    stop: async () => {
      listener.close();
      for (const socket of sockets) socket.destroy();
      await once(listener, 'close');
    },
  };
}

interface Wire {
  readonly target: string;
  readonly counts: FaultCounts;
  fateOf(method: string): Fate;
  cut(): void;
}

/** One connection of the client is one connection to the server, and they end together. */
function proxySession(client: ServerHttp2Session, wire: Wire): void {
  const server = connect(`http://${wire.target}`);
  server.on('error', () => {});
  server.on('close', () => wire.cut());
  client.on('error', () => {});
  client.on('close', () => server.destroy());
  client.on('stream', (stream, headers) => {
    const fate = wire.fateOf(String(headers[':path']).split('/').at(-1)!);
    forwardCall(stream, headers, server, fate, (lost, cut) => {
      wire.counts[lost === 'answer' ? 'lostAnswers' : 'lostRequests'] += 1;
      if (cut === 'call') stream.close(constants.NGHTTP2_INTERNAL_ERROR);
      else wire.cut();
    });
  });
}

function noFaults(): Faults {
  return {
    down: false,
    answerMs: 0,
    requestMs: 0,
    loseAnswer: () => undefined,
    loseRequest: () => undefined,
  };
}

function chooser(choice: CallChoice, random: () => number): Chooser {
  const { method = 'Commit', probability = 1, cut = 'connection' } = choice;
  let left = choice.times ?? Infinity;
  return (called) => {
    if (called !== method || left <= 0 || random() >= probability) return undefined;
    left -= 1;
    return cut;
  };
}
