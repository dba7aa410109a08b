import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { bareFirestore, naive, transactional } from './bare-firestore.ts';
import { alternating, atOnce, median, ratioOfSamples } from './measure.ts';
import type { Row } from './report.ts';
import { expectOutcome, freshKey, instanceOn, task } from './workload.ts';

const WIDTH = 32;
const BLOCK = 200;
const HOT = 100;
const DUPLICATES = 50;

/** Steps a second with 32 under way, in alternating blocks of 200. */
export async function throughputRow(connection: FirestoreConnection, steps: number): Promise<Row> {
  const bare = bareFirestore(connection.firestore.collection('bare'));
  const instance = instanceOn(firestoreStore(connection, systemClock));
  const runBare = () => atOnce(BLOCK, WIDTH, () => bare.firstRun());
  const runOurs = () =>
    atOnce(BLOCK, WIDTH, async () =>
      expectOutcome(await instance.run(task(freshKey())), 'completed'),
    );
  const { base, ours } = await alternating(Math.ceil(steps / BLOCK), runBare, runOurs);
  const rate = (times: readonly number[]) => Math.round((BLOCK * 1_000) / median(times));
  return {
    id: 'throughput',
    what: `${steps} steps, ${WIDTH} at once: rate`,
    measured: ratioOfSamples(base, ours),
    target: { bound: '≥', value: 0.95 },
    detail: `${rate(ours)}/s against ${rate(base)}/s for create() + update()`,
  };
}

/** 100 claims of one key at once, against 100 creates of one document and a get for each refused. */
export async function hotKeyRow(connection: FirestoreConnection, rounds: number): Promise<Row> {
  const bare = bareFirestore(connection.firestore.collection('bare'));
  const instance = instanceOn(firestoreStore(connection, systemClock));
  async function runBare(): Promise<number> {
    const key = freshKey();
    return atOnce(HOT, HOT, async () => {
      if (!(await bare.create(key))) await bare.get(key);
    });
  }
  async function runOurs(): Promise<number> {
    const hot = task(freshKey());
    const before = instance.effects();
    const took = await atOnce(HOT, HOT, () => instance.run(hot));
    const winners = instance.effects() - before;
    if (winners !== 1) throw new Error(`${HOT} claims on one key had ${winners} winners.`);
    return took;
  }
  const { base, ours } = await alternating(rounds, runBare, runOurs);
  const ms = (times: readonly number[]) => `${median(times).toFixed(0)} ms`;
  return {
    id: 'hotKey',
    what: `${HOT} claims of one key at once`,
    measured: ratioOfSamples(ours, base),
    target: { bound: '≤', value: 1.2 },
    detail: `one winner each time; ${ms(ours)} against ${ms(base)} for ${HOT} create()s + ${HOT - 1} get()s`,
  };
}

/** Effects that ran for one key, 50 calls at once: one is right. */
export async function effectRows(connection: FirestoreConnection, rounds: number): Promise<Row[]> {
  const store = firestoreStore(connection, systemClock);
  const runNaive = naive(connection.firestore.collection('naive'));
  const runTransactional = transactional(
    connection.firestore,
    connection.firestore.collection('transactional'),
  );
  const contenders = [
    { id: 'Once', what: 'agent-once', call: onceCall() },
    { id: 'Naive', what: 'naive get-run-set', call: runNaive },
    { id: 'Transaction', what: 'get-and-create transaction', call: runTransactional },
  ];
  function onceCall() {
    const made = new Map<string, ReturnType<typeof task>>();
    return async (key: string, effect: () => void) => {
      const shared = made.get(key) ?? task(key);
      made.set(key, shared);
      const instance = instanceOn(store);
      await instance.run(shared);
      if (instance.effects() > 0) effect();
    };
  }
  const rows: Row[] = [];
  for (const { id, what, call } of contenders) {
    const times: number[] = [];
    const counts: number[] = [];
    let failed = 0;
    for (let round = 0; round < rounds; round += 1) {
      const key = freshKey();
      let effects = 0;
      const took = await atOnce(DUPLICATES, DUPLICATES, () =>
        call(key, () => {
          effects += 1;
        }).catch(() => {
          failed += 1;
        }),
      );
      times.push(took);
      counts.push(effects);
    }
    rows.push({
      id: `effects${id}`,
      what: `effects of ${DUPLICATES} calls at once, ${what}`,
      measured: { value: median(counts), low: Math.min(...counts), high: Math.max(...counts) },
      ...(id === 'Once' && { target: { bound: '≤', value: 1 } as const }),
      detail: `${median(times).toFixed(0)} ms; ${failed} of ${rounds * DUPLICATES} calls failed`,
    });
  }
  return rows;
}
