import { describe, expect, it } from 'vitest';
import { decodeEnvelope } from '../../../functions/src/handlers/decode-envelope.ts';
import type { PushRequest } from '../../../functions/src/handlers/push-request.ts';

const DATA = Buffer.from('{"schema":"agent-once/task@1"}');
const MESSAGE = {
  data: DATA.toString('base64'),
  messageId: '136969346945',
  attributes: { origin: 'test' },
  publishTime: '2026-01-31T12:00:00.123456789Z',
  orderingKey: 'order-17',
};
const SUBSCRIPTION = 'projects/shop-1/subscriptions/tasks-push';
const WRAPPED = { message: MESSAGE, subscription: SUBSCRIPTION };

const DELIVERY = {
  kind: 'delivery',
  message: { id: '136969346945', data: DATA, attributes: { origin: 'test' } },
  redelivery: false,
  publishedAt: Date.UTC(2026, 0, 31, 12, 0, 0, 123),
  subscription: SUBSCRIPTION,
};

const pushed = (body: unknown, headers: PushRequest['headers'] = {}): PushRequest => ({
  headers: { 'content-type': 'application/json', ...headers },
  body,
  rawBody: Buffer.from(JSON.stringify(body)),
});

const CLOUD_EVENT = {
  specversion: '1.0',
  id: '136969346945',
  source: '//pubsub.googleapis.com/projects/shop-1/topics/tasks',
  type: 'google.cloud.pubsub.topic.v1.messagePublished',
};

const UNWRAPPED_HEADERS = {
  'x-goog-pubsub-subscription-name': SUBSCRIPTION,
  'x-goog-pubsub-message-id': '136969346945',
  'x-goog-pubsub-publish-time': '2026-01-31T12:00:00.123Z',
  'x-goog-pubsub-ordering-key': 'order-17',
};

describe('a message comes out the same', () => {
  const { messageId, ...unnumbered } = MESSAGE;
  const binaryHeaders = {
    'ce-specversion': '1.0',
    'ce-id': messageId,
    'ce-type': CLOUD_EVENT.type,
  };

  it.each<[string, PushRequest]>([
    ['from a wrapped push', pushed(WRAPPED)],
    [
      'with the names of the older API',
      pushed({ ...WRAPPED, message: { ...unnumbered, message_id: messageId } }),
    ],
    ['from a binary CloudEvent', pushed({ ...WRAPPED, message: unnumbered }, binaryHeaders)],
    [
      'from a structured CloudEvent',
      pushed(
        { ...CLOUD_EVENT, data: { ...WRAPPED, message: unnumbered } },
        { 'content-type': 'application/cloudevents+json' },
      ),
    ],
    [
      'from a structured CloudEvent whose data is base64',
      pushed({
        ...CLOUD_EVENT,
        data_base64: Buffer.from(JSON.stringify(WRAPPED)).toString('base64'),
      }),
    ],
    [
      'from a body that nobody has parsed',
      { headers: {}, rawBody: Buffer.from(JSON.stringify(WRAPPED)) },
    ],
    ['from a body left as text', { headers: {}, body: JSON.stringify(WRAPPED) }],
    [
      'from a body taken for a form',
      {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: { [JSON.stringify(WRAPPED)]: '' },
        rawBody: Buffer.from(JSON.stringify(WRAPPED)),
      },
    ],
  ])('%s', (_how, request) => {
    expect(decodeEnvelope(request)).toEqual(DELIVERY);
  });

  it('from an unwrapped push, whose headers hold what the envelope would', () => {
    const request = {
      headers: { ...UNWRAPPED_HEADERS, agent: 'agent-7', traceparent: 'of the front end' },
      rawBody: DATA,
    };
    expect(decodeEnvelope(request)).toEqual({
      ...DELIVERY,
      message: { ...DELIVERY.message, attributes: { agent: 'agent-7' } },
    });
  });
});

describe('a message without data', () => {
  it.each([{ data: '' }, { data: null }, { data: undefined }])('is a message with %o', (data) => {
    const decoded = decodeEnvelope(pushed({ ...WRAPPED, message: { ...MESSAGE, ...data } }));
    expect(decoded).toMatchObject({
      kind: 'delivery',
      message: { data: Buffer.alloc(0), attributes: { origin: 'test' } },
    });
  });

  it('may come unwrapped, its attributes in headers, whose case is lost', () => {
    const headers = { ...UNWRAPPED_HEADERS, schema: 'agent-once/task@1', madeat: '1', host: 'x' };
    expect(decodeEnvelope({ headers, body: undefined })).toMatchObject({
      message: {
        data: Buffer.alloc(0),
        attributes: { schema: 'agent-once/task@1', madeAt: '1' },
      },
    });
  });
});

it('a delivery attempt above the first is a redelivery', () => {
  const attempts = [undefined, null, 1, 2, 99].map((deliveryAttempt) => {
    const decoded = decodeEnvelope(pushed({ ...WRAPPED, deliveryAttempt }));
    return decoded.kind === 'delivery' && decoded.redelivery;
  });
  expect(attempts).toEqual([false, false, false, true, true]);
});

const withMessage = (change: object) => ({ ...WRAPPED, message: { ...MESSAGE, ...change } });

describe('a request that is no push', () => {
  it.each<[string, unknown]>([
    ['body', 'not JSON'],
    ['body', [WRAPPED]],
    ['message', {}],
    ['message', { message: 'text' }],
    ['message.data', withMessage({ data: 'not base64!' })],
    ['message.data', withMessage({ data: 7 })],
    ['message.messageId', withMessage({ messageId: undefined })],
    ['message.messageId', withMessage({ messageId: '' })],
    ['message.messageId', withMessage({ messageId: 136_969_346_945 })],
    ['message.attributes.n', withMessage({ attributes: { n: 1 } })],
    ['message.publishTime', withMessage({ publishTime: 'yesterday' })],
    ['message.publishTime', withMessage({ publishTime: '2026-13-01T00:00:00Z' })],
    ['deliveryAttempt', { ...WRAPPED, deliveryAttempt: 0 }],
    ['subscription', { ...WRAPPED, subscription: {} }],
    ['data', { ...CLOUD_EVENT, data: 'text' }],
    ['data', { ...CLOUD_EVENT, data_base64: 'e30' }],
    ['data.message', { ...CLOUD_EVENT, data: { bucket: 'b', name: 'o' } }],
  ])('has %s named as what is wrong', (field, body) => {
    const decoded = decodeEnvelope(pushed(body));
    expect(decoded).toMatchObject({ kind: 'unreadable' });
    const { faults } = decoded as { faults: readonly string[] };
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(':')))).toEqual([field]);
  });

  it('has its missing headers named where it came unwrapped', () => {
    const headers = {
      'x-goog-pubsub-subscription-name': SUBSCRIPTION,
      'x-goog-pubsub-publish-time': 'now',
    };
    expect(decodeEnvelope({ headers, rawBody: DATA })).toMatchObject({
      kind: 'unreadable',
      faults: [
        expect.stringMatching(/^x-goog-pubsub-message-id: /),
        expect.stringMatching(/^x-goog-pubsub-publish-time: /),
      ],
    });
  });

  it('keeps its body byte for byte, under an id that is the same each time', () => {
    const request = { headers: {}, rawBody: Buffer.from([0xff, 0x00, 0x7b]) };
    const decoded = decodeEnvelope(request);
    expect(decoded).toMatchObject({ message: { data: request.rawBody, attributes: {} } });
    expect(decodeEnvelope(request)).toEqual(decoded);
  });
});
