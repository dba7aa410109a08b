import type { IncomingHttpHeaders } from 'node:http';
import type { PushRequest } from '../../../functions/src/handlers/push-request.ts';
import type { RawMessage } from '../../../functions/src/ports/task-publisher.ts';
import { bytes, goodFields, messageOf, pick, textOf, whole } from './bad-tasks.ts';
import type { Random } from './bad-tasks.ts';

export interface BadRequest {
  readonly request: PushRequest;
  /** What every fault has to name. */
  readonly field: string;
}

const SUBSCRIPTION = 'projects/shop-1/subscriptions/tasks-push';

type Json = Record<string, unknown>;

function wrappedBody({ id, data, attributes }: RawMessage): {
  message: Json;
  subscription: string;
} {
  const message = {
    messageId: id,
    data: Buffer.from(data).toString('base64'),
    attributes,
    publishTime: new Date().toISOString(),
  };
  return { message, subscription: SUBSCRIPTION };
}

function requestOf(body: unknown, headers: IncomingHttpHeaders = {}): PushRequest {
  const rawBody = textOf(body);
  const parsed = JSON.parse(rawBody.toString()) as unknown;
  return { headers: { 'content-type': 'application/json', ...headers }, body: parsed, rawBody };
}

/** A message in any of the envelopes that it may come in. */
export function enveloped(random: Random, message: RawMessage): PushRequest {
  const body = wrappedBody(message);
  const event = { specversion: '1.0', id: message.id, type: 'messagePublished', source: 's' };
  const attributes = Object.entries(message.attributes);
  const ways = [
    () => requestOf(body),
    () => requestOf({ ...body, deliveryAttempt: 1 + whole(random, 5) }),
    () => requestOf(body, { 'ce-specversion': '1.0', 'ce-id': message.id }),
    () => requestOf({ ...event, data: body }),
    () => requestOf({ ...event, data_base64: textOf(body).toString('base64') }),
    () => ({ headers: {}, rawBody: textOf(body) }),
    () => ({
      headers: {
        ...Object.fromEntries(attributes.map(([name, value]) => [name.toLowerCase(), value])),
        'x-goog-pubsub-subscription-name': SUBSCRIPTION,
        'x-goog-pubsub-message-id': message.id,
      },
      rawBody: Buffer.from(message.data),
    }),
  ];
  return pick<() => PushRequest>(random, ways)();
}

const NO_TEXT = [0, 1.5, true, [], ['a'], {}, { a: 1 }];

/** Values that a field of the message's envelope can never have. */
const BAD_MESSAGE: Readonly<Record<string, readonly unknown[]>> = {
  data: [...NO_TEXT, '!', 'YQ', 'YQ=', 'a b=', '====', 'YWJj\n', '💥'],
  messageId: [...NO_TEXT, null, '', 'i'.repeat(513), '\ud800'],
  attributes: [0, 'text', true, ['a'], { a: 1 }, { a: null }, { a: {} }, { a: ['b'] }],
  publishTime: [...NO_TEXT, null, '', 'now', '2026-01-31', '2026-99-99T00:00:00Z', '1767225600'],
};

const BAD_ENVELOPE: Readonly<Record<string, readonly unknown[]>> = {
  message: [null, 0, 'text', true, [], {}, undefined],
  subscription: [...NO_TEXT, null],
  deliveryAttempt: ['2', 0, -1, 1.5, true, [], {}, 1e300],
};

/** A good message in an envelope with one field broken. */
export function badEnvelope(random: Random): BadRequest {
  const body: Json & { message: Json } = wrappedBody(messageOf(textOf(goodFields(random))));
  const inMessage = random() < 0.6;
  const values = inMessage ? BAD_MESSAGE : BAD_ENVELOPE;
  const name = pick(random, Object.keys(values));
  const value = pick(random, values[name] ?? []);
  const broken = inMessage
    ? { ...body, message: { ...body.message, [name]: value } }
    : { ...body, [name]: value };
  const field = inMessage ? `message.${name}` : name;
  if (random() < 0.8) return { request: requestOf(broken), field };
  const event = { specversion: '1.0', type: 'messagePublished', source: 's' };
  return { request: requestOf({ ...event, data: broken }), field: `data.${field}` };
}

/** An unwrapped push without a usable id or time. */
export function badHeaders(random: Random): BadRequest {
  const headers = {
    'x-goog-pubsub-subscription-name': SUBSCRIPTION,
    'x-goog-pubsub-message-id': '1',
    'x-goog-pubsub-publish-time': '2026-01-31T00:00:00Z',
  };
  const [field, value] = pick<[string, string | undefined]>(random, [
    ['x-goog-pubsub-message-id', undefined],
    ['x-goog-pubsub-message-id', ''],
    ['x-goog-pubsub-message-id', 'i'.repeat(513)],
    ['x-goog-pubsub-publish-time', ''],
    ['x-goog-pubsub-publish-time', 'now'],
  ]);
  const rawBody = textOf(goodFields(random));
  return { request: { headers: { ...headers, [field]: value }, rawBody }, field };
}

/** A body that is no envelope at all. */
export function badBody(random: Random): BadRequest {
  const event = { specversion: '1.0', id: '1', type: 'messagePublished', source: 's' };
  const [field, request] = pick<() => [string, PushRequest]>(random, [
    () => [
      'body',
      { headers: {}, rawBody: Buffer.concat([Buffer.from([0xff]), bytes(random, 300)]) },
    ],
    () => ['body', { headers: {}, body: undefined }],
    () => ['body', { headers: { 'content-type': 'text/plain' }, body: 'hello' }],
    () => ['body', requestOf(pick(random, [null, true, 7, 'text', [], [{}]]))],
    () => ['body', { headers: {}, rawBody: Buffer.from('{"message":{"data":') }],
    () => ['message', requestOf(pick<object>(random, [{}, { messages: [] }, { id: 1 }]))],
    () => ['data', requestOf({ ...event, data: pick(random, [null, 'text', 7, []]) })],
    () => ['data', requestOf({ ...event, data_base64: pick(random, ['!', 'e30', 7, null]) })],
    () => ['data.message', requestOf({ ...event, data: { bucket: 'b' } })],
  ])();
  return { request, field };
}
