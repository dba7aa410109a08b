import { z } from 'zod';

import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { addEndpoint } from '../../functions/src/handlers/api/endpoint.ts';
import type { Api } from '../../functions/src/handlers/api/endpoint.ts';
import { serveBench } from './api-service.ts';
import type { ServedBench } from './api-service.ts';
import { bareFirestore } from './bare-firestore.ts';
import { atOnce, callsIn, interleaved, over } from './measure.ts';
import type { Plan, Timings } from './measure.ts';
import type { Row } from './report.ts';
import { freshKey, PARAMS, RESULT } from './workload.ts';

const BATCH = 100;

/** The HTTP service, one call after the other, beside handlers of the same service that do the bare minimum. */
export async function apiRows(connection: FirestoreConnection, plan: Plan): Promise<Row[]> {
  const { firestore } = connection;
  const bare = bareFirestore(firestore.collection('bare'));
  const served = await serveBench(firestoreStore(connection, systemClock), (api) =>
    addBareHandlers(api, bare),
  );
  try {
    return [
      ...(await checks(served, firestoreStore(connection, systemClock), bare, plan)),
      ...(await begins(served, plan)),
      ...(await batches(served, plan)),
    ];
  } finally {
    await served.close();
  }
}

const keyed = z.looseObject({ key: z.string() });

/** Authenticated and rate-limited as the real ones are, and nothing else. */
function addBareHandlers(api: Api, bare: ReturnType<typeof bareFirestore>): void {
  const common = { method: 'post', tag: 'bench', summary: '', permission: 'run' } as const;
  const answers = { 200: z.looseObject({}) };
  const done = { status: 200, body: {} };
  addEndpoint(api, {
    ...common,
    path: '/bare/empty',
    operationId: 'Empty',
    answers,
    handle: async () => done,
  });
  addEndpoint(api, {
    ...common,
    path: '/bare/get',
    operationId: 'Get',
    body: keyed,
    answers,
    async handle({ body: { key } }) {
      await bare.get(key);
      return done;
    },
  });
  addEndpoint(api, {
    ...common,
    path: '/bare/create',
    operationId: 'Create',
    body: keyed,
    answers,
    async handle({ body: { key } }) {
      await bare.create(key);
      return done;
    },
  });
}

const operation = (key: string) => ({
  key,
  action: 'payments.charge',
  effect: 'idempotent',
  params: PARAMS,
});

function asked(key: string): object {
  const { effect: _, ...identity } = operation(key);
  return identity;
}

async function checks(
  { post }: ServedBench,
  elsewhere: ReturnType<typeof firestoreStore>,
  bare: ReturnType<typeof bareFirestore>,
  plan: Plan,
): Promise<Row[]> {
  const keys = await completed(elsewhere, bare, callsIn(plan));
  const known = freshKey();
  await post('/v1/record', { ...asked(known), result: RESULT }, 201);
  const timings = await interleaved(
    [
      { name: 'empty', call: () => post('/bare/empty', asked(known)) },
      { name: 'cached', call: () => post('/v1/check', asked(known)) },
    ],
    plan,
  );
  const reads = await interleaved(
    [
      over('get', keys, (key) => post('/bare/get', asked(key))),
      over('check', keys, (key) => post('/v1/check', asked(key))),
    ],
    plan,
  );
  return [
    ...rows('apiCheckCached', 'HTTP: check, cached', timings, 'cached', 'empty', 1.3),
    ...rows('apiCheck', 'HTTP: check, from the store', reads, 'check', 'get', 1.2),
  ];
}

async function begins({ post }: ServedBench, plan: Plan): Promise<Row[]> {
  const timings = await interleaved(
    [
      { name: 'create', call: () => post('/bare/create', asked(freshKey())) },
      { name: 'begin', call: () => post('/v1/begin', operation(freshKey()), 201) },
    ],
    plan,
  );
  return rows('apiBegin', 'HTTP: begin', timings, 'begin', 'create', 1.2);
}

/** Of operations that nobody has begun, as a plan of many steps asks for first. */
async function batches({ post }: ServedBench, plan: Plan): Promise<Row[]> {
  const smaller = { samples: Math.ceil(plan.samples / 4), warmUp: Math.ceil(plan.warmUp / 4) };
  const timings = await interleaved(
    [
      { name: 'one', call: () => post('/v1/check', asked(freshKey())) },
      {
        name: 'batch',
        call: () => {
          const operations = Array.from({ length: BATCH }, () => asked(freshKey()));
          return post('/v1/check-batch', { operations });
        },
      },
    ],
    smaller,
  );
  return rows('apiBatch', `HTTP: a batch of ${BATCH} checks`, timings, 'batch', 'one', 4);
}

/** Operations that another instance completed, and as many bare documents. */
async function completed(
  store: ReturnType<typeof firestoreStore>,
  bare: ReturnType<typeof bareFirestore>,
  count: number,
): Promise<string[]> {
  const keys: string[] = [];
  const elsewhere = await serveBench(store, () => {});
  await atOnce(count, 16, async () => {
    const key = freshKey();
    await Promise.all([
      elsewhere.post('/v1/record', { ...asked(key), result: RESULT }, 201),
      bare.firstRun(key),
    ]);
    keys.push(key);
  });
  await elsewhere.close();
  return keys;
}

/** One row for the median and one for the 99th percentile. */
function rows(
  id: string,
  what: string,
  timings: Timings,
  name: string,
  base: string,
  atMost: number,
): Row[] {
  const ours = timings.get(name) ?? [];
  const theirs = timings.get(base) ?? [];
  const target = { bound: '≤', value: atMost } as const;
  return [['', 'p50', 0.5] as const, ['P99', 'p99', 0.99] as const].map(
    ([suffix, shown, share]): Row => {
      const ratio = (part: (values: readonly number[]) => readonly number[]) =>
        percentile(part(ours), share) / percentile(part(theirs), share);
      const thirds = [0, 1, 2].map((third) => ratio((values) => partOf(values, third)));
      const ms = (values: readonly number[]) => `${percentile(values, share).toPrecision(3)} ms`;
      return {
        id: `${id}${suffix}`,
        what: `${what}, ${shown}`,
        measured: {
          value: ratio((values) => values),
          low: Math.min(...thirds),
          high: Math.max(...thirds),
        },
        target,
        detail: `${ms(ours)} against ${ms(theirs)} for the same handler with ${DOES[base]}`,
      };
    },
  );
}

const DOES: Readonly<Record<string, string>> = {
  empty: 'nothing',
  get: 'a bare get()',
  create: 'a bare create()',
  one: 'one check',
};

function partOf(values: readonly number[], third: number): readonly number[] {
  return values.slice(
    Math.floor((values.length * third) / 3),
    Math.floor((values.length * (third + 1)) / 3),
  );
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
