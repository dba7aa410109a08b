import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import committed from '../../../functions/openapi.json' with { type: 'json' };
import { driveRequests, REACHED } from './drive-requests.ts';
import { referencePage } from './reference.ts';
import { answerCheck } from './requests-from-document.ts';
import type { Document } from './requests-from-document.ts';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

let api: ServedApi;

beforeAll(async () => {
  api = await serveApi();
});

afterAll(() => api.close());

const document = committed as unknown as Document;
const REQUESTS = 5_000;
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));
/** One in so many. */
const OVER_HTTP = 5;

describe('the document', () => {
  it('that is committed is the one that is served; else write it again with write-openapi.ts', async () => {
    const { status, body } = await api.get('/v1/openapi.json');
    expect(status).toBe(200);
    expect(committed).toEqual(body);
  });

  it('is told to people on a page that was written from it', async () => {
    const page = join(import.meta.dirname, '../../../docs/http-reference.md');
    const written = referencePage(committed as unknown as Parameters<typeof referencePage>[0]);
    expect(await readFile(page, 'utf8')).toBe(written);
    for (const { operationId } of operations) expect(written).toContain(`### ${operationId}\n`);
  });

  it('names the headers that its answers carry', () => {
    const begin = document.paths['/v1/begin']?.['post']?.responses as Record<string, object>;
    expect(begin['200']).toHaveProperty('headers.Idempotency-Replayed');
    expect(begin['200']).toHaveProperty('headers.Idempotency-Expires');
    for (const status of ['409', '429', '503']) {
      expect(begin[status]).toHaveProperty('headers.Retry-After');
    }
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
    const { answers, wrong } = await driveRequests({
      document,
      count: REQUESTS,
      seed: 20_260_101,
      // Most without a socket between, which costs more than all the rest.
      async ask(request, index) {
        if (index % OVER_HTTP > 0) return api.app.fetch(request);
        const { pathname, search } = new URL(request.url);
        return fetch(new Request(`${api.url}${pathname}${search}`, request));
      },
    });
    expect(wrong.slice(0, 3)).toEqual([]);
    expect([...answers.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
    expect([...answers.keys()]).toEqual(expect.arrayContaining([...REACHED]));
  }, 90_000);
});
