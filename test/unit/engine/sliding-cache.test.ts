import { expect, test } from 'vitest';
import { beginOperation } from '../../../functions/src/engine/begin-operation.ts';
import { identifyOperation } from '../../../functions/src/engine/identify-operation.ts';
import { guardCall } from '../../../functions/src/engine/once.ts';
import { recordOperation } from '../../../functions/src/engine/record-operation.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import { archiveWorld, SHOP } from '../../support/archive-world.ts';
import { countedDocuments } from '../../support/counted-documents.ts';
import { memoryDocuments } from '../../../functions/src/testing/memory-documents.ts';
import { createTokenStore } from '../../../functions/src/store/token-store.ts';

const HOUR_MS = 3_600_000;

type Ask = (runtime: Runtime, madeAt: number) => Promise<unknown>;

const operation = (madeAt: number) =>
  identifyOperation({
    namespace: SHOP,
    action: 'a.b',
    agent: 'a',
    request: { params: {} },
    identity: { by: 'key', key: 'k' },
    madeAt,
    effect: 'pure',
    retention: 'api',
  });

const once: Ask = (runtime) => {
  const request = { namespace: SHOP, action: 'a.b', params: {}, key: 'k', retention: 'api' };
  return guardCall(runtime, { ...request, effect: 'pure' }, () => 1);
};
const record: Ask = (runtime, madeAt) => recordOperation(runtime, operation(madeAt), { result: 1 });
const begin: Ask = (runtime, madeAt) =>
  beginOperation(runtime, {
    ...operation(madeAt),
    claimId: 'claim',
    leaseMs: 60_000,
    holder: 'caller',
    strictContext: false,
  });

test.each<[string, Ask, Ask]>([
  ['once', once, once],
  ['begin', record, begin],
  ['record', record, record],
])(
  'of the duplicates of %s in the second half of a life one writes, and the cache answers the others',
  async (_name, first, again) => {
    const { clock, runtime } = archiveWorld();
    const { documents, calls } = countedDocuments(memoryDocuments(() => clock.now()));
    const service = { ...runtime, store: createTokenStore(documents) };
    const madeAt = clock.now();
    await first(service, madeAt);
    clock.advance(0.6 * HOUR_MS);
    await again(service, madeAt);
    const { writes, reads } = calls;
    for (let duplicate = 0; duplicate < 5; duplicate += 1) {
      clock.advance(5_000);
      await again(service, madeAt);
    }
    expect(calls).toMatchObject({ writes, reads });
  },
);

test('a life that another instance lengthened is found once, and cached from then on', async () => {
  const { clock, runtime, runtimeOf } = archiveWorld();
  const { documents, calls } = countedDocuments(memoryDocuments(() => clock.now()));
  const store = createTokenStore(documents);
  const instances = [runtime, runtimeOf()].map((each) => ({ ...each, store }));
  const [one, other] = instances as [Runtime, Runtime];
  clock.advance(1);
  await once(one, 0);
  clock.advance(0.5 * HOUR_MS - 10_000);
  await once(other, 0);
  clock.advance(20_000);
  await once(one, 0);
  await once(other, 0);
  const { writes, reads } = calls;
  for (const each of [one, other, one, other]) await once(each, 0);
  expect(calls).toMatchObject({ writes, reads });
});
