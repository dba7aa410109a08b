import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { PUBSUB_ANSWERS } from '../../functions/src/operation/outcome.ts';
import type { OutcomeKind } from '../../functions/src/operation/outcome.ts';
import type { OperationRecord } from '../../functions/src/operation/record.ts';
import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import type { FunctionsProcess } from '../support/functions-process.ts';
import type { Point } from '../support/halts.ts';
import { TASK_TOPIC } from '../support/pubsub-fixture.ts';
import { followedOrder } from '../support/steps/effects.ts';
import type { EffectParams } from '../support/steps/effects.ts';

const KINDS = ['pure', 'idempotent', 'reconcilable', 'once'] as const;
type Kind = (typeof KINDS)[number];

type Kill = Exclude<Point, 'before send'> | 'during effect';

/** What a task that was killed there has come to in the end. */
interface Ending {
  readonly status: OperationRecord['status'];
  readonly attempts: number;
  /** In the provider's ledger. */
  readonly effects: number;
  /** Calls that the provider was sent for them. */
  readonly calls: number;
  /** In the provider's ledger, of the task that follows. */
  readonly followed: number;
  /** Of the delivery that was acknowledged. */
  readonly answer: OutcomeKind;
}

const again = { status: 'completed', attempts: 2, followed: 1, answer: 'completed' } as const;
const replayed = { status: 'completed', attempts: 1, followed: 1, answer: 'replayed' } as const;
const doubt = { status: 'in_doubt', attempts: 1, followed: 0, answer: 'in_doubt' } as const;

const askedTwice = {
  pure: { ...again, effects: 0, calls: 0 },
  idempotent: { ...again, effects: 1, calls: 2 },
  reconcilable: { ...again, effects: 1, calls: 1 },
  once: { ...doubt, effects: 1, calls: 1 },
};
const recorded = {
  pure: { ...replayed, effects: 0, calls: 0 },
  idempotent: { ...replayed, effects: 1, calls: 1 },
  reconcilable: { ...replayed, effects: 1, calls: 1 },
  once: { ...replayed, effects: 1, calls: 1 },
};

const ENDINGS: Readonly<Record<Kill, Readonly<Record<Kind, Ending>>>> = {
  'after claim': {
    pure: { ...again, effects: 0, calls: 0 },
    idempotent: { ...again, effects: 1, calls: 1 },
    reconcilable: { ...again, effects: 1, calls: 1 },
    once: { ...again, effects: 1, calls: 1 },
  },
  'after start': {
    pure: { ...again, effects: 0, calls: 0 },
    idempotent: { ...again, effects: 1, calls: 1 },
    reconcilable: { ...again, effects: 1, calls: 1 },
    once: { ...doubt, effects: 0, calls: 0 },
  },
  'during effect': askedTwice,
  'after effect': askedTwice,
  'after record': recorded,
  'after publish': recorded,
  'before acknowledge': recorded,
};

let deployment: Deployment;
/** The one that the emulator pushes to, whichever process is behind its port. */
let functions: FunctionsProcess;

beforeAll(async () => {
  deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
  functions = await deployment.start({ source: 'under test' });
  const { port } = functions;
  const { pubsub } = deployment;
  await Promise.all(KINDS.map((kind) => pubsub.addTopic(topicOf(kind))));
  // The emulator has two pushes of a subscription in flight: a subscription for each kind, then.
  for (const topic of [TASK_TOPIC, ...KINDS.map(topicOf)]) await pubsub.push({ topic, port });
});

afterAll(() => deployment.close());

describe.for(Object.keys(ENDINGS) as Kill[])('killed with SIGKILL %s', (kill) => {
  let endings: Readonly<Record<Kind, Ending>>;
  let doubts: readonly LogEntry[];

  beforeAll(async () => {
    const published = await Promise.all(KINDS.map((kind) => publish(kill, kind)));
    await Promise.all(published.map((each) => arrived(kill, each)));
    await functions.kill();
    await deployment.provider.release();
    functions = await deployment.start({ source: 'under test', port: functions.port });
    const ended = await Promise.all(published.map(async (each) => [each.kind, await end(each)]));
    endings = Object.fromEntries(ended) as Record<Kind, Ending>;
    doubts = deployment.log.all.filter(({ decision }) =>
      published.some(({ messageId }) => {
        return decision?.outcome === 'in_doubt' && decision.messageId === messageId;
      }),
    );
  });

  test.for(KINDS)('a task of kind %s comes to the end that its effect allows', (kind) => {
    expect(endings[kind]).toEqual(ENDINGS[kill][kind]);
  });

  test('what is in doubt, and nothing else, is logged as in doubt', () => {
    const expected = KINDS.filter((kind) => ENDINGS[kill][kind].status === 'in_doubt');
    expect(doubts.map(({ decision }) => decision?.action)).toEqual(expected.map(actionOf));
    for (const { severity, message } of doubts) {
      expect(severity).toBe('ERROR');
      expect(message).toMatch(/in_doubt.*started.*Look at the provider, then resolve/);
    }
  });
});

describe('killed with SIGKILL while the call is still on its way to the provider', () => {
  const kinds = ['idempotent', 'reconcilable'] as const;
  let endings: readonly Ending[];

  beforeAll(async () => {
    const { provider } = deployment;
    const published = await Promise.all(
      kinds.map(async (kind) => {
        await provider.fault({ fault: 'hold', match: `${kind}-late`, times: 2 });
        return publishOrder(kind, { orderId: `${kind}-late` });
      }),
    );
    await Promise.all(published.map(({ orderId }) => held(orderId, 1)));
    await functions.kill();
    functions = await deployment.start({ source: 'under test', port: functions.port });
    await Promise.all(published.map(({ orderId }) => held(orderId, 2)));
    await provider.release(); // the call of the killed process first
    endings = await Promise.all(published.map(end));
  });

  test('the late call makes the only effect, and the second call finds it', () => {
    const ending = { ...again, effects: 1, calls: 2 };
    expect(endings).toEqual(kinds.map(() => ending));
  });
});

interface Published {
  readonly kind: Kind;
  readonly orderId: string;
  readonly token: string;
  readonly messageId: string;
}

const topicOf = (kind: Kind): string => `tasks-${kind}`;
const actionOf = (kind: Kind): string => `effects.${kind}`;

async function publish(kill: Kill, kind: Kind): Promise<Published> {
  const orderId = `${kind} ${kill}`.replaceAll(' ', '-');
  const params: EffectParams = { orderId, starts: kill === 'after start' };
  if (kill === 'during effect') {
    await deployment.provider.fault(
      kind === 'pure'
        ? { fault: 'hold', path: `/effects/tracked/status/${orderId}` }
        : { fault: 'hold_answer', match: orderId },
    );
  } else {
    params.halt = { how: 'hold', at: kill };
  }
  return publishOrder(kind, params);
}

async function publishOrder(kind: Kind, params: EffectParams): Promise<Published> {
  const task = orderTask(actionOf(kind), params);
  const messageId = await deployment.pubsub.publish(task, topicOf(kind));
  return { kind, orderId: params.orderId, token: task.token, messageId };
}

/** Resolves when so many calls for the order wait at the provider. */
async function held(orderId: string, calls: number): Promise<void> {
  await deployment.providerEvents.first(`call ${calls} for ${orderId}`, () => {
    const waiting = deployment.providerEvents.all.filter(
      (event) => event.event === 'held' && event.orderId === orderId,
    );
    return waiting.length >= calls;
  });
}

/** Resolves when the task is where it is to be killed. */
async function arrived(kill: Kill, { kind, orderId, token }: Published): Promise<void> {
  if (kill === 'during effect') {
    await deployment.providerEvents.first(
      `the call for ${orderId}`,
      ({ event, path, orderId: order }) =>
        event === 'held' && (kind === 'pure' ? path.endsWith(`/${orderId}`) : order === orderId),
    );
  } else {
    await deployment.log.first(
      `${orderId} ${kill}`,
      (entry) => entry.message === 'halted' && entry['token'] === token && entry['at'] === kill,
    );
  }
}

async function end({ orderId, token, messageId }: Published): Promise<Ending> {
  const { operations, log, provider, providerEvents } = deployment;
  const record = await operations.states.first(
    `the end of ${orderId}`,
    (state) => state.token === token && isOver(state),
  );
  const acknowledged = await log.first(
    `the acknowledgement of ${orderId}`,
    ({ decision }) => decision?.messageId === messageId && isAcknowledged(decision.outcome),
  );
  if (record.status === 'completed') {
    await operations.states.first(
      `what follows from ${orderId}`,
      (state) => state.root === token && state.token !== token && isOver(state),
    );
  }
  const effects = await provider.effects({ order: orderId });
  const followed = await provider.effects({ order: followedOrder(orderId) });
  const calls = providerEvents.all.filter(
    ({ event, orderId: order }) => event === 'received' && order === orderId,
  );
  return {
    status: record.status,
    attempts: record.attempt,
    effects: effects.length,
    calls: calls.length,
    followed: followed.length,
    answer: acknowledged.decision?.outcome as OutcomeKind,
  };
}

/** Nothing more happens to it on its own. */
function isOver(record: OperationRecord): boolean {
  return record.status === 'completed' ? record.sent : record.status === 'in_doubt';
}

function isAcknowledged(outcome: string): boolean {
  return PUBSUB_ANSWERS[outcome as OutcomeKind].status < 300;
}
