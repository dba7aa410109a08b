import { randomUUID } from 'node:crypto';
import { expect, inject, it } from 'vitest';
import document from '../../functions/openapi.json' with { type: 'json' };
import { emulatedFirestore } from '../support/firestore.ts';
import { driveRequests, REACHED } from '../unit/api/drive-requests.ts';
import type { Document } from '../unit/api/requests-from-document.ts';
import { serveOnFirestore } from '../unit/api/serve-on-firestore.ts';

const REQUESTS = 1_500;

it(`answers ${REQUESTS} requests made from the document as it says, over HTTP on Firestore`, async () => {
  const connection = emulatedFirestore(inject('firestoreHost'), `demo-${randomUUID().slice(0, 8)}`);
  const api = await serveOnFirestore(connection);
  const { answers, wrong } = await driveRequests({
    document: document as unknown as Document,
    count: REQUESTS,
    seed: 20_260_202,
    ask(request) {
      const { pathname, search } = new URL(request.url);
      return fetch(new Request(`${api.url}${pathname}${search}`, request));
    },
  });
  await api.close();
  await connection.close();
  expect(wrong.slice(0, 3)).toEqual([]);
  const reached = [...answers.keys()];
  const operations = (names: readonly string[]) => names.map((name) => name.split(' ')[0]);
  expect(operations(reached)).toEqual(expect.arrayContaining(operations(REACHED)));
});
