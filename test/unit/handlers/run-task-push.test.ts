import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { http } from '@google-cloud/functions-framework';
import { getTestServer } from '@google-cloud/functions-framework/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { runTaskPush } from '../../../functions/src/handlers/run-task-push.ts';
import type { CallerAnswer, VerifyCaller } from '../../../functions/src/ports/verify-caller.ts';
import { NotDone } from '../../../functions/src/operation/errors.ts';
import { messageOf, pushBody, pushTo, testReceiver } from './receiver.ts';
import type { TestReceiver } from './receiver.ts';

const TASK = { schema: 'agent-once/task@1', action: 'a.b', key: 'order-17', params: { n: 1 } };

const servers: Server[] = [];

afterEach(async () => {
  const closing = servers.splice(0).map((server) => {
    server.closeAllConnections();
    return once(server.close(), 'close');
  });
  await Promise.all(closing);
});

let functions = 0;

/** The function as functions-framework serves it, body parsing included. */
async function serve(
  receiver: TestReceiver,
  verifyCaller: VerifyCaller | 'unverified' = 'unverified',
): Promise<string> {
  functions += 1;
  const name = `run-task-${functions}`;
  http(name, runTaskPush({ ...receiver, verifyCaller }));
  const server = getTestServer(name).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', ...headers },
  });
}

const push = (url: string, json: unknown, headers?: Record<string, string>): Promise<Response> =>
  post(url, pushBody(messageOf(json)), headers);

describe('a push', () => {
  it('of a task is answered 204 with its outcome, and nothing more', async () => {
    const receiver = testReceiver();
    const response = await push(await serve(receiver), TASK);
    expect(response.status).toBe(204);
    expect(response.headers.get('agent-once-outcome')).toBe('completed');
    expect(await response.text()).toBe('');
    expect(receiver.ran).toEqual([{ n: 1 }]);
  });

  it('of a structured CloudEvent reaches the step', async () => {
    const receiver = testReceiver();
    const event = { specversion: '1.0', id: '1', data: pushBody(messageOf(TASK)) };
    const headers = { 'content-type': 'application/cloudevents+json' };
    expect((await post(await serve(receiver), event, headers)).status).toBe(204);
    expect(receiver.ran).toEqual([{ n: 1 }]);
  });

  it.each(['application/json', 'application/octet-stream', 'text/plain'])(
    'of an unwrapped message as %s reaches the step',
    async (contentType) => {
      const receiver = testReceiver();
      const headers = {
        'content-type': contentType,
        'x-goog-pubsub-subscription-name': 'projects/shop-1/subscriptions/tasks-push',
        'x-goog-pubsub-message-id': '1',
      };
      expect((await post(await serve(receiver), TASK, headers)).status).toBe(204);
      expect(receiver.ran).toEqual([{ n: 1 }]);
    },
  );

  it('of attributes alone reaches the step', async () => {
    const receiver = testReceiver();
    const attributes = { ...TASK, params: '{"n":1}' };
    const body = pushBody({ id: '1', data: Buffer.alloc(0), attributes });
    expect((await post(await serve(receiver), body)).status).toBe(204);
    expect(receiver.ran).toEqual([{ n: 1 }]);
  });

  it('that should come again later is told when, in whole seconds', async () => {
    const receiver = testReceiver({
      run: () => {
        throw new NotDone('busy', 'Come back.', { retryAfterMs: 7_200 });
      },
    });
    const response = await push(await serve(receiver), TASK);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get('retry-after'))).toBeOneOf([7, 8]);
  });

  it('whose step throws what is no error is answered, and so is the next one', async () => {
    const receiver = testReceiver({
      run: async () => {
        throw Object.create(null);
      },
    });
    const url = await serve(receiver);
    expect((await push(url, TASK)).status).toBe(503);
    expect((await push(url, { ...TASK, key: 'order-18' })).status).toBe(503);
  });

  it('whose step leaves a rejected promise behind is recorded, whatever the framework answers', async () => {
    const receiver = testReceiver({
      run: async () => {
        void Promise.reject(new Error('left behind'));
        await turn();
      },
    });
    const url = await serve(receiver);
    expect((await push(url, TASK)).status).toBe(500);
    const again = await push(url, TASK);
    expect(again.headers.get('agent-once-outcome')).toBe('replayed');
    expect(receiver.ran).toHaveLength(1);
  });
});

describe('what is no push', () => {
  it.each(['GET', 'PUT', 'DELETE'])('is refused as %s', async (method) => {
    const response = await fetch(await serve(testReceiver()), { method });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST');
  });

  it('is told what is wrong with it where callers are not verified', async () => {
    const receiver = testReceiver();
    const response = await post(await serve(receiver), { message: { data: '!' } });
    expect(response.status).toBe(400);
    expect(await response.text()).toContain('message.data: must be base64');
    expect(receiver.deadLetters).toEqual([]);
    expect(receiver.decisions).toMatchObject([{ outcome: 'invalid' }]);
  });

  it('is dead-lettered as it came where Pub/Sub itself sent it', async () => {
    const receiver = testReceiver();
    const body = '{ "message": {"data": "!"} }';
    const url = await serve(receiver, async () => ({ kind: 'verified' }));
    expect((await post(url, body)).status).toBe(204);
    expect(receiver.deadLetters).toMatchObject([
      {
        message: { data: Buffer.from(body) },
        reason: { code: 'invalid', faults: ['message.data: must be base64'] },
      },
    ]);
  });

  it('is refused when it is larger than any message', async () => {
    const receiver = testReceiver();
    const rawBody = Buffer.alloc(16 * 1024 * 1024 + 1, ' ');
    expect(await pushTo(receiver)({ headers: {}, rawBody })).toMatchObject({ status: 413 });
    expect(receiver.deadLetters).toEqual([]);
  });
});

describe('a caller', () => {
  it.each<[number, CallerAnswer]>([
    [401, { kind: 'refused', status: 401, why: 'its token is not valid: Token used too late' }],
    [403, { kind: 'refused', status: 403, why: 'it came from someone' }],
    [503, { kind: 'unavailable', why: 'no route to the certificates' }],
  ])(
    'is answered %i, the reason goes to the log only, and nothing runs',
    async (status, answer) => {
      const receiver = testReceiver();
      const url = await serve(receiver, async () => answer);
      const response = await push(url, TASK, { authorization: 'Bearer x' });
      const why = 'why' in answer ? answer.why : '';
      expect(response.status).toBe(status);
      expect(await response.text()).not.toContain(why);
      expect(receiver.events).toMatchObject([
        { severity: 'WARNING', message: `A push request was refused: ${why}` },
      ]);
      expect(receiver.ran).toEqual([]);
      expect(receiver.deadLetters).toEqual([]);
    },
  );

  it('is judged by its Authorization header, or by the one that IAM checked in its place', async () => {
    const seen: unknown[] = [];
    const receiver = testReceiver();
    const url = await serve(receiver, async (authorization) => {
      seen.push(authorization);
      return { kind: 'verified' };
    });
    expect((await push(url, TASK, { authorization: 'Bearer a.b.c' })).status).toBe(204);
    const checked = { 'x-serverless-authorization': 'Bearer d.e.f', authorization: 'Bearer a.b.c' };
    expect((await push(url, TASK, checked)).status).toBe(204);
    expect(seen).toEqual(['Bearer a.b.c', 'Bearer d.e.f']);
  });

  it('whose judge fails is answered 503, also where the log fails with it', async () => {
    const fail = (): never => {
      throw new Error('unforeseen');
    };
    const silenced = { runtime: { telemetry: { decision: fail, event: fail } } };
    for (const receiver of [testReceiver(), testReceiver(silenced)]) {
      const url = await serve(receiver, async () => fail());
      expect((await push(url, TASK)).status).toBe(503);
    }
  });
});
