import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { embeddedQueue } from '../../functions/src/adapters/embedded/queue.ts';
import { embeddedStore } from '../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { drainQueue } from '../../functions/src/handlers/drain-queue.ts';
import type { Handled } from '../../functions/src/handlers/drain-queue.ts';
import { handleMessage } from '../../functions/src/handlers/handle-message.ts';
import type { QueuedMessage } from '../../functions/src/ports/task-queue.ts';
import { alternating, atOnce, interleaved, median, ratioOfSamples } from './measure.ts';
import type { Plan } from './measure.ts';
import type { Row } from './report.ts';
import {
  expectOutcome,
  freshFolder,
  freshKey,
  instanceOn,
  NAMESPACE,
  RESULT_TEXT,
  task,
  TASK_TEXT,
} from './workload.ts';

/** First runs on a file against the same two writes by bare node:sqlite, which only does one at a time. */
export async function embeddedRows(plan: Plan, steps: number): Promise<Row[]> {
  const folder = freshFolder();
  const bare = bareSqlite(join(folder, 'bare.db'));
  const store = embeddedStore(join(folder, 'store.db'), systemClock);
  const instance = instanceOn(store);
  const bareRun = async () => bare.firstRun(freshKey());
  const ourRun = async () => expectOutcome(await instance.run(task(freshKey())), 'completed');
  const timings = await interleaved(
    [
      { name: 'bare', call: bareRun },
      { name: 'ours', call: ourRun },
    ],
    plan,
  );
  const blocks = await alternating(
    Math.ceil(steps / BLOCK),
    () => atOnce(BLOCK, 1, bareRun),
    () => atOnce(BLOCK, WIDTH, ourRun),
  );
  bare.close();
  await store.close();
  await rm(folder, { recursive: true });
  const alone = { base: timings.get('bare') ?? [], ours: timings.get('ours') ?? [] };
  return [
    {
      ...rateRow(blocks, BLOCK),
      id: 'embedded',
      what: `first run on a file, ${WIDTH} at once: rate`,
      target: { bound: '≥', value: 0.75 },
    },
    { ...rateRow(alone, 1), id: 'embeddedAlone', what: 'first run on a file, one by one: rate' },
  ];
}

function rateRow(
  { base, ours }: { base: readonly number[]; ours: readonly number[] },
  calls: number,
): Pick<Row, 'measured' | 'detail'> {
  const rate = (times: readonly number[]) => Math.round((calls * 1_000) / median(times));
  return {
    measured: ratioOfSamples(base, ours),
    detail: `${rate(ours)}/s against ${rate(base)}/s for INSERT + UPDATE by node:sqlite`,
  };
}

/** Published to a queue on a file, pulled, run, recorded in the same file, acknowledged. */
export async function endToEndRow(steps: number, rounds: number): Promise<Row> {
  const rates: number[] = [];
  for (let round = 0; round < rounds; round += 1) rates.push(await endToEnd(steps));
  const shown = rates.map((rate) => Math.round(rate)).join(', ');
  return {
    id: 'endToEnd',
    what: 'end to end, embedded queue and store: steps/s',
    measured: { value: median(rates), low: Math.min(...rates), high: Math.max(...rates) },
    target: { bound: '≥', value: 1_000 },
    detail: `${steps} steps a round, ${WIDTH} publishers: ${shown}`,
  };
}

const WIDTH = 32;
const BLOCK = 200;

/** Steps a second, from the first publish to the last acknowledgement. Publishing and running overlap. */
async function endToEnd(steps: number): Promise<number> {
  const folder = freshFolder();
  const file = join(folder, 'agent-once.db');
  const store = embeddedStore(file, systemClock);
  const queue = embeddedQueue(file, systemClock);
  const instance = instanceOn(store, queue);
  const done = new AbortController();
  let completed = 0;

  async function handle(message: QueuedMessage): Promise<Handled> {
    const redelivery = message.delivery > 1;
    const answer = await handleMessage(
      { ...instance, namespace: NAMESPACE },
      { message, redelivery },
    );
    expectOutcome(answer.outcomeKind, 'completed');
    completed += 1;
    if (completed === steps) done.abort();
    return answer;
  }

  const began = performance.now();
  const { clock, telemetry } = instance.runtime;
  await Promise.all([
    atOnce(steps, WIDTH, () => queue.publish([task(freshKey())])),
    drainQueue({ queue, clock, telemetry, handle, signal: done.signal }),
  ]);
  const took = performance.now() - began;
  if (instance.effects() !== steps) throw new Error(`${instance.effects()} effects of ${steps}.`);
  queue.close();
  await store.close();
  await rm(folder, { recursive: true });
  return (steps * 1_000) / took;
}

/** Two commits a call, durable as the embedded store's are: WAL, synchronous FULL. */
function bareSqlite(path: string): { firstRun(key: string): void; close(): void } {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL');
  database.exec('PRAGMA synchronous = FULL');
  database.exec(
    'CREATE TABLE calls (key TEXT PRIMARY KEY, status TEXT, at REAL, task TEXT, result TEXT)',
  );
  const insert = database.prepare("INSERT INTO calls VALUES (?, 'claimed', ?, ?, NULL)");
  const update = database.prepare(
    "UPDATE calls SET status = 'completed', at = ?, result = ? WHERE key = ?",
  );
  return {
    firstRun(key) {
      insert.run(key, Date.now(), TASK_TEXT);
      update.run(Date.now(), RESULT_TEXT, key);
    },
    close: () => database.close(),
  };
}
