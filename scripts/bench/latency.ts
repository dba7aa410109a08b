import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import { bareFirestore, naive, transactional } from './bare-firestore.ts';
import { atOnce, callsIn, interleaved, median, ratioOf, over } from './measure.ts';
import type { Plan, Timings } from './measure.ts';
import type { Row, Target } from './report.ts';
import { expectOutcome, freshKey, instanceOn, task } from './workload.ts';

const BARE = 'bare calls';
const OURS = 'agent-once';
const NAIVE = 'naive get-run-set';
const TRANSACTION = 'get-and-create transaction';

/** One call after the other: first runs, then the three kinds of duplicate. */
export async function latencyRows(connection: FirestoreConnection, plan: Plan): Promise<Row[]> {
  return [...(await firstRuns(connection, plan)), ...(await duplicates(connection, plan))];
}

async function firstRuns(connection: FirestoreConnection, plan: Plan): Promise<Row[]> {
  const bare = bareFirestore(connection.firestore.collection('bare'));
  const instance = instanceOn(firestoreStore(connection, systemClock));
  const runNaive = naive(connection.firestore.collection('naive'));
  const runTransactional = transactional(
    connection.firestore,
    connection.firestore.collection('transactional'),
  );
  const timings = await interleaved(
    [
      { name: BARE, call: () => bare.firstRun() },
      {
        name: OURS,
        call: async () => expectOutcome(await instance.run(task(freshKey())), 'completed'),
      },
      { name: NAIVE, call: () => runNaive(freshKey(), () => {}) },
      { name: TRANSACTION, call: () => runTransactional(freshKey(), () => {}) },
    ],
    plan,
  );
  const against = { timings, base: BARE, baseDoes: 'create() + update()' };
  return [
    row('firstRun', 'first run', OURS, against, { bound: '≤', value: 1.1 }),
    row('firstRunNaive', `first run, ${NAIVE}`, NAIVE, against),
    row('firstRunTransaction', `first run, ${TRANSACTION}`, TRANSACTION, against),
  ];
}

async function duplicates(connection: FirestoreConnection, plan: Plan): Promise<Row[]> {
  const bare = bareFirestore(connection.firestore.collection('bare'));
  const store = firestoreStore(connection, systemClock);
  const { tasks, keys } = await completed(connection, callsIn(plan));
  const likely = instanceOn(store);
  const unexpected = instanceOn(store);
  const warm = instanceOn(store);
  const known = task(freshKey());
  await warm.run(known);

  const reads = await interleaved(
    [
      over(BARE, keys, (key) => bare.get(key)),
      over(OURS, tasks, async (met) => expectOutcome(await likely.run(met, true), 'replayed')),
    ],
    plan,
  );
  const refusals = await interleaved(
    [
      over(BARE, keys, async (key) => {
        if (await bare.create(key)) throw new Error('A create() over a document was not refused.');
        await bare.get(key);
      }),
      over(OURS, tasks, async (met) => expectOutcome(await unexpected.run(met), 'replayed')),
    ],
    plan,
  );
  const memory = await interleaved(
    [
      over(BARE, keys, (key) => bare.get(key)),
      { name: OURS, call: async () => expectOutcome(await warm.run(known, true), 'replayed') },
    ],
    plan,
  );
  const atMost: Target = { bound: '≤', value: 1.1 };
  const asRead = { base: BARE, baseDoes: 'get()' };
  const asRefused = { base: BARE, baseDoes: 'refused create() + get()' };
  return [
    row('likelyDuplicate', 'likely duplicate', OURS, { timings: reads, ...asRead }, atMost),
    row(
      'unexpectedDuplicate',
      'unexpected duplicate',
      OURS,
      { timings: refusals, ...asRefused },
      atMost,
    ),
    row(
      'cachedDuplicate',
      'duplicate from the cache',
      OURS,
      { timings: memory, ...asRead },
      {
        bound: '<',
        value: 0.01,
      },
    ),
  ];
}

/** As many operations that are done already, in either's own form. */
async function completed(
  connection: FirestoreConnection,
  count: number,
): Promise<{ tasks: TaskMessage[]; keys: string[] }> {
  const instance = instanceOn(firestoreStore(connection, systemClock));
  const bare = bareFirestore(connection.firestore.collection('bare'));
  const tasks: TaskMessage[] = [];
  const keys: string[] = [];
  await atOnce(count, 16, async () => {
    const key = freshKey();
    const made = task(key);
    await Promise.all([instance.run(made), bare.firstRun(key)]);
    tasks.push(made);
    keys.push(key);
  });
  return { tasks, keys };
}

interface Against {
  readonly timings: Timings;
  readonly base: string;
  readonly baseDoes: string;
}

function row(id: string, what: string, name: string, against: Against, target?: Target): Row {
  const { timings, base, baseDoes } = against;
  const ms = (of: string) => `${median(timings.get(of) ?? []).toPrecision(3)} ms`;
  const detail = `${ms(name)} against ${ms(base)} for ${baseDoes}`;
  const measured = ratioOf(timings, name, base);
  return { id, what, measured, detail, ...(target && { target }) };
}
