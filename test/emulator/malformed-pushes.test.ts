import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { taskText } from '../../functions/src/index.ts';
import { deploy, orderTask } from '../support/deployment.ts';
import type { Deployment } from '../support/deployment.ts';
import type { FunctionsProcess } from '../support/functions-process.ts';
import { SKU, fulfilOrder, reserveStock, shipmentOf } from '../support/orders.ts';
import type { DeadLetter } from '../support/pubsub-fixture.ts';
import { pushByHttp } from '../support/push-by-http.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { badRequest } from '../unit/handlers/bad-requests.ts';
import type { Bad } from '../unit/handlers/bad-requests.ts';
import { badData, badField } from '../unit/handlers/bad-tasks.ts';

const SEED = 20_260_131;
const BAD_PUSHES = 500;
const BAD_MESSAGES = 40;
const AT_ONCE = 8;
const YEAR_MS = 365 * 86_400_000;

let deployment: Deployment;
let functions: FunctionsProcess;

beforeAll(async () => {
  deployment = await deploy({ firestore: inject('firestoreHost'), pubsub: inject('pubsubHost') });
  functions = await deployment.start({ source: 'deployed' });
});

afterAll(() => deployment.close());

test('a malformed push is refused, or acknowledged once it is a dead letter that names its fault', async () => {
  const random = seededRandom(SEED);
  const pushes = Array.from({ length: BAD_PUSHES }, () => badRequest(random)).filter(isHttp);
  const answers: Answer[] = [];
  for (let at = 0; at < pushes.length; at += AT_ONCE) {
    answers.push(...(await Promise.all(pushes.slice(at, at + AT_ONCE).map(pushBad))));
  }
  const letters = await deployment.pubsub.deadLetters();

  const acknowledged = answers.filter(({ status }) => status === 204);
  const refused = answers.filter(({ status }) => status === 400);
  expect(acknowledged.length).toBeGreaterThan(BAD_PUSHES / 2);
  expect(letters).toHaveLength(acknowledged.length);
  const others = answers.filter((each) => !acknowledged.includes(each) && !refused.includes(each));
  expect(others.map(shown)).toEqual([]);
  const untold = [
    ...acknowledged.filter(({ bad }) => !letters.some((letter) => tellsOf(letter, bad))),
    ...refused.filter(({ bad, text }) => !text.includes(bad.field)),
  ];
  expect(untold.map(shown)).toEqual([]);
});

test('a message that can’t be run goes from its topic to the dead-letter topic, and blocks nothing', async () => {
  const { pubsub, log, provider } = deployment;
  await provider.stock(SKU, 100);
  await pubsub.push({ port: functions.port });
  const random = seededRandom(SEED + 1);
  const bad = Array.from({ length: BAD_MESSAGES }, () =>
    random() < 0.5 ? badField(random) : badData(random),
  );
  const ids = await Promise.all(bad.map(({ message }) => pubsub.publishRaw(message.data)));
  const good = fulfilOrder('good');
  await pubsub.publish(good);

  await Promise.all(
    ids.map((id) => log.first(`the answer to ${id}`, ({ decision }) => decision?.messageId === id)),
  );
  const letters = await pubsub.deadLetters();
  const told = letters.map(({ attributes }) => [
    attributes['agent-once-message-id'],
    attributes['agent-once-reason'],
  ]);
  expect(new Map(told.map(([id, reason]) => [id, reason]))).toEqual(
    new Map(ids.map((id) => [id, 'invalid'])),
  );
  expect(told).toHaveLength(ids.length);
  await deployment.operations.states.first('the good order', shipmentOf(good));
});

test('another request under a used token, one from beyond memory and an unknown action are told apart', async () => {
  const order = reserveStock('used');
  const cases = [
    { task: { ...reserveStock('other'), token: order.token }, code: 'mismatch', fault: /^token: / },
    {
      task: { ...reserveStock('old'), madeAt: Date.now() - YEAR_MS },
      code: 'expired',
      fault: /^madeAt: /,
    },
    { task: orderTask('no.step', { orderId: '1' }), code: 'invalid', fault: /^action: .*no\.step/ },
    { task: reserveStock('bad', 0), code: 'invalid', fault: /^params\.quantity: / },
  ];
  expect(await pushByHttp(functions.url, order, 'used')).toMatchObject({ outcome: 'completed' });

  for (const { task, code, fault } of cases) {
    expect(await pushByHttp(functions.url, task, `bad ${code}`)).toMatchObject({
      status: 204,
      outcome: code,
    });
    const data = taskText(task);
    const [letter] = await deployment.pubsub.deadLetters();
    expect(letter?.data.toString()).toBe(data);
    expect(letter?.attributes['agent-once-reason']).toBe(code);
    expect(letter?.attributes['agent-once-faults']).toMatch(fault);
  }
});

test('it is still the same process that serves', async () => {
  process.kill(functions.pid, 0);
  expect(await pushByHttp(functions.url, reserveStock('last'), 'last')).toMatchObject({
    status: 204,
  });
});

/** Not all that a unit test can hand over can be sent. */
function isHttp({ request }: Bad): boolean {
  try {
    return headersOf(request) instanceof Headers;
  } catch {
    return false;
  }
}

function headersOf({ headers }: Bad['request']): Headers {
  const given = Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );
  return new Headers(given);
}

interface Answer {
  readonly bad: Bad;
  readonly status: number;
  readonly text: string;
}

async function pushBad(bad: Bad): Promise<Answer> {
  const { rawBody, body } = bad.request;
  const response = await fetch(functions.url, {
    method: 'POST',
    headers: headersOf(bad.request),
    body: new Uint8Array(rawBody ?? Buffer.from(typeof body === 'string' ? body : '')),
  });
  return { bad, status: response.status, text: await response.text() };
}

function shown({ bad, status, text }: Answer): string {
  const headers = JSON.stringify(bad.request.headers);
  return `${status}, broken in ${bad.field}: ${headers} ${Buffer.from(bad.data).toString()} ${text}`;
}

function tellsOf({ data, attributes }: DeadLetter, bad: Bad): boolean {
  const faults = attributes['agent-once-faults'] ?? '';
  return (
    data.equals(bad.data) &&
    attributes['agent-once-reason'] === 'invalid' &&
    faults.split('\n').every((fault) => fault.startsWith(bad.field))
  );
}
