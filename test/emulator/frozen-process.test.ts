import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import type { TaskMessage } from '../../functions/src/index.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import type { FunctionsProcess } from '../support/functions-process.ts';
import type { Point } from '../support/halts.ts';
import { pushByHttp, pushUntilAcknowledged } from '../support/push-by-http.ts';
import type { PushAnswer } from '../support/push-by-http.ts';
import type { EffectParams } from '../support/steps/effects.ts';

const LEASE_MS = 1_500;

let deployment: Deployment;
/** The one that is frozen with a task in its hands. */
let holder: FunctionsProcess;
/** The one that takes over what lapses; its own lease is long. */
let other: FunctionsProcess;

beforeAll(async () => {
  deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
  [holder, other] = await Promise.all([
    deployment.start({ source: 'under test', leaseMs: LEASE_MS }),
    deployment.start({ source: 'under test', leaseMs: 15_000 }),
  ]);
});

afterAll(() => deployment.close());

const takenOver = { status: 'completed', attempt: 2 };
const inDoubt = { status: 'in_doubt', attempt: 1 };

describe.for([
  { kind: 'pure', at: 'after claim', end: takenOver, calls: 1 },
  { kind: 'idempotent', at: 'after claim', end: takenOver, calls: 1 },
  { kind: 'reconcilable', at: 'after claim', end: takenOver, calls: 1 },
  { kind: 'once', at: 'after claim', end: takenOver, calls: 1 },
  { kind: 'pure', at: 'before send', end: takenOver, calls: 1 },
  { kind: 'idempotent', at: 'before send', end: takenOver, calls: 1 },
  { kind: 'reconcilable', at: 'before send', end: takenOver, calls: 1 },
  { kind: 'once', at: 'before send', end: inDoubt, calls: 0 },
] as const)('a process frozen $at with a task of kind $kind', ({ kind, at, end, calls }) => {
  test('sends and records nothing after another process has gone on without it', async () => {
    const orderId = `${kind}-${at.replace(' ', '-')}-taken`;
    const task = effectTask(kind, orderId, at);
    const frozen = await freezeWith(task);

    await pushUntilAcknowledged(other.url, task, frozen.messageId);
    const [before] = await recordsOf(task);
    expect(before).toMatchObject(end);
    const callsBefore = callsFor(orderId);
    holder.thaw();

    expect(await frozen.answer).toMatchObject({ status: 429, outcome: 'claim_lost' });
    expect(await recordsOf(task)).toContainEqual(before);
    expect(callsBefore).toBe(calls);
    expect(callsFor(orderId)).toBe(calls);
  });
});

describe.for(['pure', 'idempotent', 'reconcilable', 'once'])(
  'a process frozen between start and send, beyond its lease, with a task of kind %s',
  (kind) => {
    let frozen: Frozen;
    let before: unknown;
    let task: TaskMessage;
    const orderId = `${kind}-alone`;

    beforeAll(async () => {
      task = effectTask(kind, orderId, 'before send');
      frozen = await freezeWith(task);
      before = await recordsOf(task);
      await delay(LEASE_MS); // nobody else is there to tell that the lease has lapsed
      holder.thaw();
    });

    test('has its AbortSignal fire as soon as it goes on', async () => {
      const aborted = await deployment.log.first(
        `the end of the lease of ${orderId}`,
        (entry: LogEntry) => entry.message === 'aborted' && entry['token'] === task.token,
      );
      expect(aborted['reason']).toBe('LeaseLost: The lease ran out before it was renewed.');
    });

    test('sends nothing', async () => {
      await frozen.answer;
      expect(callsFor(orderId)).toBe(0);
      expect(await deployment.provider.effects({ order: orderId })).toEqual([]);
    });

    test('records nothing, and does not acknowledge', async () => {
      expect(await frozen.answer).toMatchObject({ status: 429, outcome: 'claim_lost' });
      expect(before).toMatchObject([{ status: 'claimed', started: true, fence: 1 }]);
      expect(await recordsOf(task)).toEqual(before);
    });
  },
);

interface Frozen {
  readonly messageId: string;
  /** What the frozen process answers once it is thawed. */
  readonly answer: Promise<PushAnswer>;
}

/** Delivers the task; resolves when the process has stopped itself with it. */
async function freezeWith(task: TaskMessage): Promise<Frozen> {
  const messageId = `message ${task.token}`;
  const answer = pushByHttp(holder.url, task, messageId);
  await deployment.log.first(
    `the halt of ${task.token}`,
    (entry) => entry.message === 'halted' && entry['token'] === task.token,
  );
  return { messageId, answer };
}

function effectTask(kind: string, orderId: string, at: Point): TaskMessage {
  const params: EffectParams = { orderId, starts: true, halt: { how: 'freeze', at } };
  return orderTask(`effects.${kind}`, params);
}

async function recordsOf({ token }: TaskMessage): Promise<unknown[]> {
  return (await deployment.operations.read()).filter((record) => record.token === token);
}

/** Calls that the provider was sent by steps; a pure one asks under the order's id. */
function callsFor(orderId: string): number {
  return deployment.providerEvents.all.filter(
    ({ event, orderId: order, path }) =>
      event === 'received' && (order === orderId || path.endsWith(`/${orderId}`)),
  ).length;
}
