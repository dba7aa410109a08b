import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import committed from '../../../functions/openapi.json' with { type: 'json' };
import { answerCheck, HANDLE, requestsFrom, TOKEN } from './requests-from-document.ts';
import type { Document, GeneratedRequest } from './requests-from-document.ts';
import { DEVELOPMENT_TOKEN, serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api.close());

const document = committed as unknown as Document;
const REQUESTS = 5_000;
const AT_ONCE = 16;

describe('the document', () => {
  it('that is committed is the one that is served; else write it again with write-openapi.ts', async () => {
    const { status, body } = await api.get('/v1/openapi.json');
    expect(status).toBe(200);
    expect(committed).toEqual(body);
  });

  it('is served to whoever asks, as OpenAPI 3.1', async () => {
    const response = await fetch(`${api.url}/v1/openapi.json`);
    expect(await response.json()).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'agent-once' },
    });
  });

  it('describes an answer that has a member too few as wrong', () => {
    const operation = document.paths['/v1/check']?.['post'];
    if (!operation) throw new Error('check is not described');
    const check = answerCheck(document);
    const answer = { state: 'absent', token: 'k', drift: false };
    expect(check(operation, 200, 'application/json', answer)).toBeUndefined();
    expect(check(operation, 200, 'application/json', { state: 'absent' })).toMatch(/token/);
    expect(check(operation, 418, 'application/json', answer)).toMatch(/not described/);
  });
});

describe(`${REQUESTS} requests made from the document`, () => {
  it('are all answered as it says, none of them with 5xx', async () => {
    const check = answerCheck(document);
    const seed = 20_260_101;
    const requests = fc.sample(requestsFrom(document), { numRuns: REQUESTS, seed });
    const statuses = new Map<string, number>();
    const wrong: unknown[] = [];
    const handles: string[] = [];
    const tokens: string[] = [];

    async function send(request: GeneratedRequest, index: number): Promise<void> {
      const drawn = (from: string[], otherwise: string) => from[index % from.length] ?? otherwise;
      const fill = (text: string) =>
        text
          .replaceAll(HANDLE, drawn(handles.slice(-8), 'h1.x'))
          .replaceAll(TOKEN, drawn(tokens, `k1_${'A'.repeat(43)}`))
          .replaceAll(encodeURIComponent(TOKEN), drawn(tokens, `k1_${'A'.repeat(43)}`));
      const { operation, method, path, headers, body } = request;
      const operator = operation.operationId === 'Intervene' ? ':operator@shop' : '';
      const response = await fetch(`${api.url}${fill(path)}`, {
        method,
        headers: {
          Authorization: `Bearer ${DEVELOPMENT_TOKEN}${operator}`,
          ...headers,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
        },
        ...(body !== undefined && { body: fill(body) }),
      });
      const { status } = response;
      const answer = (await response.json()) as { handle?: string; token?: string };
      if (answer.handle) handles.push(answer.handle);
      if (answer.token && tokens.length < 20) tokens.push(answer.token);
      const type = response.headers.get('content-type') ?? '';
      const fault = check(operation, status, type, answer);
      if (fault !== undefined || status >= 500) {
        wrong.push({ request, status, fault, answer });
      }
      const name = `${operation.operationId} ${status}`;
      statuses.set(name, (statuses.get(name) ?? 0) + 1);
    }

    let next = 0;
    const lanes = Array.from({ length: AT_ONCE }, async () => {
      for (let index = next++; index < requests.length; index = next++) {
        const request = requests[index];
        if (request) await send(request, index);
      }
    });
    await Promise.all(lanes);

    expect(wrong.slice(0, 3)).toEqual([]);
    expect([...statuses.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    // The requests reach what they are about, and not just the validation before it.
    expect([...statuses.keys()]).toEqual(
      expect.arrayContaining([
        'BeginOperation 201',
        'BeginOperation 200',
        'BeginOperation 400',
        'BeginOperation 409',
        'CheckIdempotency 200',
        'CheckIdempotency 422',
        'RecordOperation 409',
        'CompleteOperation 200',
        'CompleteOperation 409',
        'RenewOperation 200',
        'StartOperation 200',
        'ReleaseOperation 200',
        'GetResult 200',
        'GetResult 404',
        'GetLedger 200',
        'Intervene 409',
        'ListInterventions 200',
        'CheckIdempotencyBatch 200',
      ]),
    );
  }, 90_000);
});
