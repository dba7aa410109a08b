import { expect, it } from 'vitest';
import document from '../../functions/openapi.json' with { type: 'json' };
import { driveRequests, REACHED } from '../unit/api/drive-requests.ts';
import type { Document } from '../unit/api/requests-from-document.ts';
import { serveApi } from '../unit/api/service.ts';

const REQUESTS = 50_000;
/** One in so many goes through a socket. */
const OVER_HTTP = 10;

it(`answers ${REQUESTS} requests made from the document as it says, none with 5xx`, async () => {
  const api = await serveApi();
  const seed = Date.now();
  const { answers, wrong } = await driveRequests({
    document: document as unknown as Document,
    count: REQUESTS,
    seed,
    async ask(request, index) {
      if (index % OVER_HTTP > 0) return api.app.fetch(request);
      const { pathname, search } = new URL(request.url);
      return fetch(new Request(`${api.url}${pathname}${search}`, request));
    },
  });
  await api.close();
  expect(wrong.slice(0, 3), `seed ${seed}`).toEqual([]);
  expect([...answers.values()].reduce((sum, count) => sum + count, 0)).toBe(REQUESTS);
  expect([...answers.keys()], `seed ${seed}`).toEqual(expect.arrayContaining([...REACHED]));
});
