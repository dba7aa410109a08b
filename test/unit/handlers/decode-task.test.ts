import { describe, expect, it } from 'vitest';
import { makeTask, taskText } from '../../../functions/src/engine/tasks.ts';
import { decodeTask } from '../../../functions/src/handlers/decode-task.ts';
import type { DecodedTask } from '../../../functions/src/handlers/decode-task.ts';
import type { TaskMessage } from '../../../functions/src/operation/task.ts';
import { requestHash } from '../../../functions/src/token/hash.ts';
import { keyToken } from '../../../functions/src/token/token.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';

const NAMESPACE = 'shop' as Namespace;
const NOW = Date.UTC(2026, 0, 31);
const PUBLISHED = NOW - 60_000;
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const SHORT = { schema: 'agent-once/task@1', action: 'a.b', key: 'order-17', params: { n: 1 } };

function decodeBytes(data: Uint8Array, attributes: Record<string, string> = {}): DecodedTask {
  return decodeTask({ id: '1', data, attributes }, NAMESPACE, NOW, PUBLISHED);
}

const decodeJson = (json: unknown, attributes?: Record<string, string>) =>
  decodeBytes(Buffer.from(JSON.stringify(json)), attributes);

function taskOf(decoded: DecodedTask): TaskMessage {
  expect(decoded).toMatchObject({ kind: 'task' });
  return (decoded as { task: TaskMessage }).task;
}

function faultsOf(decoded: DecodedTask): readonly string[] {
  expect(decoded).toMatchObject({ kind: 'invalid' });
  return (decoded as { faults: readonly string[] }).faults;
}

const PARAMS = {
  at: new Date(NOW),
  big: 12n ** 30n,
  bytes: new Uint8Array([0, 255]),
  map: new Map<unknown, unknown>([[{ k: 1 }, new Set([null, undefined])]]),
};

/** Typed so that a field added to the message has to be added here, and so has to survive. */
const FULL: Required<TaskMessage> = {
  ...(makeTask(
    { action: 'a.b', params: PARAMS },
    {
      namespace: NAMESPACE,
      agent: 'agent-7',
      context: { environment: 'prod' },
      logicalTime: 4,
      traceparent: TRACE,
    },
    NOW - 1_000,
  ) as Required<Pick<TaskMessage, 'window' | 'contextHash' | 'traceparent'>> & TaskMessage),
  workflow: { name: 'order', version: 2, member: 'charge', direction: 'back' },
  deadlineAt: NOW + 1_000.25,
};

describe('a task in full', () => {
  it('comes out as it was put in, every field and every tagged value', () => {
    expect(taskOf(decodeBytes(Buffer.from(taskText(FULL))))).toEqual(FULL);
  });

  it('may have no params at all, which differs from null', () => {
    const { token } = makeTask(
      { action: 'a.b', params: undefined },
      { namespace: NAMESPACE, agent: 'a', key: 'k' },
      NOW,
    );
    const without = { ...SHORT, key: undefined, params: undefined, token };
    const hash = requestHash('a.b', undefined);
    expect(taskOf(decodeJson({ ...without, requestHash: hash })).params).toBeUndefined();
    expect(faultsOf(decodeJson({ ...without, params: null, requestHash: hash }))).toEqual([
      expect.stringMatching(/^requestHash: /),
    ]);
  });

  it('is refused where its request hash is of other params', () => {
    const forged = { ...SHORT, requestHash: requestHash('a.b', { n: 2 }) };
    expect(faultsOf(decodeJson(forged))).toEqual([
      'requestHash: is not of this action and these params; leave it out to have it computed',
    ]);
  });
});

describe('a task in short', () => {
  it('gets its token from its key and namespace, and is the root of its workflow', () => {
    const token = keyToken(NAMESPACE, 'order-17');
    expect(taskOf(decodeJson(SHORT))).toEqual({
      schema: 'agent-once/task@1',
      action: 'a.b',
      params: { n: 1 },
      token,
      requestHash: requestHash('a.b', { n: 1 }),
      agent: 'unknown',
      root: token,
      path: 'a.b',
      logicalTime: 1,
      madeAt: PUBLISHED,
    });
  });

  it('has another token in another namespace', () => {
    const message = { id: '1', data: Buffer.from(JSON.stringify(SHORT)), attributes: {} };
    const tokens = ['shop', 'warehouse'].map(
      (namespace) => taskOf(decodeTask(message, namespace as Namespace, NOW)).token,
    );
    expect(new Set(tokens).size).toBe(2);
  });

  it('decodes to the same task on every delivery', () => {
    const message = { id: '1', data: Buffer.from(JSON.stringify(SHORT)), attributes: {} };
    const first = decodeTask(message, NAMESPACE, NOW, PUBLISHED);
    expect(decodeTask(message, NAMESPACE, NOW + 3_600_000, PUBLISHED)).toEqual(first);
  });

  it('takes agent and trace from the attributes where the data does not give them', () => {
    const attributes = { agent: 'agent-7', googclient_traceparent: TRACE };
    const fromAttributes = taskOf(decodeJson(SHORT, attributes));
    expect(fromAttributes).toMatchObject({ agent: 'agent-7', traceparent: TRACE });
    expect(taskOf(decodeJson({ ...SHORT, agent: 'own' }, attributes)).agent).toBe('own');
  });

  it('ignores a malformed trace and fields of later versions', () => {
    const task = taskOf(decodeJson({ ...SHORT, traceparent: 'b3-style', priority: 9 }));
    expect(task).not.toHaveProperty('traceparent');
    expect(task).not.toHaveProperty('priority');
  });

  it('without key and token is refused, and told why none can be made for it', () => {
    expect(faultsOf(decodeJson({ ...SHORT, key: undefined }))).toEqual([
      'key: a task needs a key, or a token made by its publisher; one made here from a clock would ' +
        'change with every delivery',
    ]);
  });
});

describe('a task in attributes', () => {
  it('needs no data', () => {
    const attributes = {
      schema: 'agent-once/task@1',
      action: 'a.b',
      key: 'order-17',
      params: '{"at":{"$date":"2026-01-31T00:00:00.000Z"}}',
      madeAt: String(NOW),
      logicalTime: '7',
      traceparent: TRACE,
      'ce-id': 'of no meaning here',
    };
    expect(taskOf(decodeBytes(Buffer.alloc(0), attributes))).toMatchObject({
      action: 'a.b',
      params: { at: new Date(NOW) },
      token: keyToken(NAMESPACE, 'order-17'),
      madeAt: NOW,
      logicalTime: 7,
      traceparent: TRACE,
    });
  });

  it('is refused with every attribute that is wrong', () => {
    const attributes = { schema: '2', action: 'A', key: '', madeAt: 'now', params: '{"a":}' };
    expect(faultsOf(decodeBytes(Buffer.alloc(0), attributes))).toEqual([
      expect.stringMatching(/^params: the text is not JSON/),
    ]);
    const rest = { ...attributes, params: '1' };
    expect(faultsOf(decodeBytes(Buffer.alloc(0), rest)).map(fieldOf)).toEqual([
      'schema',
      'action',
      'key',
      'madeAt',
    ]);
  });

  it('is not made up from attributes that have nothing to do with one', () => {
    expect(faultsOf(decodeBytes(Buffer.alloc(0), { eventType: 'OBJECT_FINALIZE' }))).toEqual([
      'data: is empty, and no attribute is a field of a task',
    ]);
  });
});

const fieldOf = (fault: string) => fault.slice(0, fault.indexOf(':'));

const WINDOW = FULL.window;
const WINDOWED = { ...SHORT, key: undefined, token: FULL.token, madeAt: NOW, window: WINDOW };
const [previous, next] = WINDOW.neighbours;

const BROKEN: readonly (readonly [field: string, what: string, message: unknown])[] = [
  ['schema', 'another version', { ...SHORT, schema: 'agent-once/task@2' }],
  ['action', 'no action name', { ...SHORT, action: 'Charge it' }],
  ['action', 'an action of 129 characters', { ...SHORT, action: 'a'.repeat(129) }],
  ['key', 'an empty key', { ...SHORT, key: '' }],
  ['key', 'a key of over 512 bytes', { ...SHORT, key: 'é'.repeat(257) }],
  ['key', 'a key that is a number', { ...SHORT, key: 17 }],
  ['key', 'a key beside a token', { ...SHORT, token: FULL.token }],
  ['token', 'a token of another kind', { ...SHORT, key: undefined, token: `x${FULL.token}` }],
  ['requestHash', 'a request hash of another kind', { ...SHORT, requestHash: FULL.token }],
  ['contextHash', 'a context hash of another kind', { ...SHORT, contextHash: 'c1_' }],
  ['agent', 'an agent with a line break', { ...SHORT, agent: 'a\nb' }],
  ['root', 'a root that is no token', { ...SHORT, root: 'root' }],
  ['path', 'an endless path', { ...SHORT, path: 'a/'.repeat(20_000) }],
  ['logicalTime', 'logical time 0', { ...SHORT, logicalTime: 0 }],
  ['logicalTime', 'a forged logical time', { ...SHORT, logicalTime: Number.MAX_SAFE_INTEGER }],
  ['madeAt', 'half a millisecond', { ...SHORT, madeAt: 0.5 }],
  ['madeAt', 'a time as text', { ...SHORT, madeAt: '2026-01-31' }],
  ['madeAt', 'a time that is days ahead', { ...SHORT, madeAt: NOW + 2 * 86_400_000 }],
  ['window', 'a window without the token', { ...SHORT, madeAt: NOW, window: WINDOW }],
  ['madeAt', 'a window without its time', { ...WINDOWED, madeAt: undefined }],
  ['window', 'a window with a key token', { ...WINDOWED, token: keyToken(NAMESPACE, 'k') }],
  [
    'window.neighbours',
    'its own token as neighbour',
    { ...WINDOWED, window: { ...WINDOW, neighbours: [previous, FULL.token] } },
  ],
  [
    'window.neighbours',
    'one neighbour twice',
    { ...WINDOWED, window: { ...WINDOW, neighbours: [next, next] } },
  ],
  [
    'window.neighbours',
    'one neighbour only',
    { ...WINDOWED, window: { ...WINDOW, neighbours: [next] } },
  ],
  ['window.lengthMs', 'no length', { ...WINDOWED, window: { ...WINDOW, lengthMs: 0 } }],
  [
    'workflow.direction',
    'no direction',
    { ...SHORT, workflow: { ...FULL.workflow, direction: 1 } },
  ],
  ['deadlineAt', 'a deadline before time', { ...SHORT, deadlineAt: -1 }],
  ['params.when', 'a malformed date', { ...SHORT, params: { when: { $date: 'today' } } }],
  ['params.a[1]', 'an unknown tag', { ...SHORT, params: { a: [1, { $regex: '.' }] } }],
  ['data', 'an array', [SHORT]],
  ['data', 'a map', { $map: [['schema', 'agent-once/task@1']] }],
  ['data', 'null', null],
];

describe('a message that can never be run', () => {
  it.each(BROKEN)('names %s for %s, and nothing else', (field, _what, message) => {
    expect(faultsOf(decodeJson(message)).map(fieldOf)).toEqual([field]);
  });

  it('has every fault named at once', () => {
    const message = { schema: 1, action: 2, agent: 3, madeAt: 'x', window: {} };
    expect(new Set(faultsOf(decodeJson(message)).map(fieldOf))).toEqual(
      new Set([
        'schema',
        'action',
        'agent',
        'madeAt',
        'window',
        'window.neighbours',
        'window.lengthMs',
        'key',
      ]),
    );
  });

  it.each([
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'data: is not UTF-8'],
    ['is not JSON', Buffer.from('{"schema":'), /^data: the text is not JSON/],
    ['is white space', Buffer.from(' \n'), /^data: the text is not JSON/],
    ['holds a lone surrogate', Buffer.from('{"params":"\\ud800"}'), /^params: .*lone surrogate/],
    [
      'is nested beyond measure',
      Buffer.from(`{"params":${'['.repeat(50_000)}${']'.repeat(50_000)}}`),
      /^params\[0\].*: more than 200 levels/,
    ],
    ['holds a number out of range', Buffer.from('{"params":[1e999]}'), /^params\[0\]: .*range/],
  ])('is told so when it %s', (_what, data, fault) => {
    const [only, ...others] = faultsOf(decodeBytes(data));
    expect(only).toMatch(fault);
    expect(others).toEqual([]);
  });

  it('keeps a member named __proto__ from becoming a prototype', () => {
    const text = '{"schema":"agent-once/task@1","action":"a.b","__proto__":{"key":"k"}}';
    expect(faultsOf(decodeBytes(Buffer.from(text))).map(fieldOf)).toEqual(['key']);
  });
});
