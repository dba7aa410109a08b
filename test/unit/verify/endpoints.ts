import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { text } from 'node:stream/consumers';

/** What an endpoint does wrong. */
export type Flaw =
  | 'none'
  | 'ignores the key'
  | 'replays whatever the parameters'
  | 'runs twice when asked at the same time'
  | 'forgets at a restart'
  | 'forgets at expiry'
  | 'forgets at once'
  | 'replays another status'
  | 'replays another body'
  | 'answers the same for all parameters'
  | 'refuses everything'
  | 'breaks the connection';

interface Kept {
  readonly asked: string;
  readonly reply: Answer;
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface Endpoint {
  readonly url: string;
  readonly countUrl: string;
  readonly restartUrl: string;
  readonly expireUrl: string;
  effects(): number;
  restart(): Promise<void>;
  expire(): Promise<void>;
  close(): Promise<void>;
}

/** How long the effect takes, which is when another request may come. */
const EFFECT_MS = 20;

/** An endpoint that handles keys by itself, right or with one flaw. Its effects are counted at `/count`. */
export async function endpoint(flaw: Flaw): Promise<Endpoint> {
  let effects = 0;
  const kept = new Map<string, Kept>();
  const running = new Set<string>();

  async function answer(key: string, asked: string): Promise<Answer> {
    if (flaw === 'refuses everything') return { status: 403, body: '{"error":"forbidden"}' };
    const known = flaw === 'ignores the key' ? undefined : kept.get(key);
    if (known) return again(known, asked);
    if (running.has(key) && flaw !== 'runs twice when asked at the same time') {
      if (flaw !== 'ignores the key') return { status: 409, body: '{"error":"in flight"}' };
    }
    running.add(key);
    await delay(EFFECT_MS);
    effects += 1;
    const charge = flaw === 'answers the same for all parameters' ? 'c0' : `c${effects}`;
    const reply = { status: 201, body: JSON.stringify({ charge }) };
    if (flaw !== 'forgets at once') kept.set(key, { asked, reply });
    running.delete(key);
    return reply;
  }

  function again({ asked: before, reply }: Kept, asked: string): Answer {
    if (asked !== before && flaw !== 'replays whatever the parameters') {
      return { status: 422, body: '{"error":"mismatch"}' };
    }
    if (flaw === 'replays another status') return { ...reply, status: 200 };
    if (flaw === 'replays another body') return { status: 201, body: '{"duplicate":true}' };
    return reply;
  }

  const restart = async (): Promise<void> => {
    if (flaw === 'forgets at a restart') kept.clear();
  };
  const expire = async (): Promise<void> => {
    if (flaw === 'forgets at expiry') kept.clear();
  };

  const server = createServer((request, response) => {
    void (async () => {
      if (flaw === 'breaks the connection') return request.destroy();
      if (request.url === '/count') return response.end(JSON.stringify({ count: effects }));
      if (request.url === '/restart') return response.end(await restart());
      if (request.url === '/expire') return response.end(await expire());
      const asked = await text(request);
      const { status, body } = await answer(String(request.headers['idempotency-key']), asked);
      return response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${url}/charges`,
    countUrl: `${url}/count`,
    restartUrl: `${url}/restart`,
    expireUrl: `${url}/expire`,
    effects: () => effects,
    restart,
    expire,
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
