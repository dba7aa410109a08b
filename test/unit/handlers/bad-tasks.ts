import { makeTask, taskText } from '../../../functions/src/engine/tasks.ts';
import type { RawMessage } from '../../../functions/src/ports/task-publisher.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';

/** From 0 to below 1, by a seed. */
export type Random = () => number;

/** A message that is broken in one place. */
export interface BadMessage {
  readonly message: RawMessage;
  /** What every fault has to name. */
  readonly field: string;
}

const NAMESPACE = 'shop' as Namespace;
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

export const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T;

export const whole = (random: Random, below: number): number => Math.floor(random() * below);

export function bytes(random: Random, atMost: number): Buffer {
  return Buffer.from(Array.from({ length: 1 + whole(random, atMost) }, () => whole(random, 256)));
}

type Fields = Record<string, unknown>;

const PARAMS = { n: 17, list: [1, 'two', null], nested: { at: 'x' } };

const SHORT: Fields = {
  schema: 'agent-once/task@1',
  action: 'a.b',
  key: 'order-17',
  params: PARAMS,
};

/** Windowed, and with every field that a task may have but a key. */
const FULL = JSON.parse(
  taskText({
    ...makeTask(
      { action: 'a.b', params: PARAMS },
      {
        namespace: NAMESPACE,
        agent: 'agent-7',
        context: { environment: 'prod' },
        traceparent: TRACE,
      },
      Date.now(),
    ),
    workflow: { name: 'order', version: 1, member: 'charge', direction: 'forward' },
    deadlineAt: Date.now() + 3_600_000,
  }),
) as Fields;

/** All fields of a good task: in short, or in full. */
export const goodFields = (random: Random): Fields => (random() < 0.5 ? SHORT : FULL);

const NO_TEXT: readonly unknown[] = [
  null,
  0,
  1.5,
  true,
  [],
  ['a'],
  {},
  { a: 'b' },
  { $date: '2026-01-31T00:00:00.000Z' },
  { $bigint: '7' },
];
const PLACE = { name: 'order', version: 1, member: 'charge', direction: 'forward' };
const BAD_TEXT = ['', 'a\u0000b', 'line\nbreak'];
const DIGEST = 'A'.repeat(43);
const NO_TOKEN = ['', 'x', `t1_${DIGEST}x`, `T1_${DIGEST}`, `z1_${DIGEST}`, `t1_${'A'.repeat(42)}`];
const NO_NUMBER: readonly unknown[] = [null, '', 'soon', true, [], {}, { $bigint: '5' }, -1, 1e300];
const NO_OBJECT: readonly unknown[] = [null, 'text', 7, true];

const EMPTY: Fields = {};

/** Values that each field can never have, whatever the others are. */
const BAD_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  schema: [...NO_TEXT, '', 'agent-once/task@2', 'agent-once/task', 'AGENT-ONCE/TASK@1'],
  action: [...NO_TEXT, '', 'A', 'a b', 'a..b', '.a', 'a.', '1a', 'ä.b', 'a'.repeat(129)],
  key: [...NO_TEXT, ...BAD_TEXT, 'k'.repeat(513), '€'.repeat(200)],
  token: [...NO_TEXT, ...NO_TOKEN],
  requestHash: [...NO_TEXT, ...NO_TOKEN, `r1_${DIGEST}`, `c1_${DIGEST}`],
  contextHash: [...NO_TEXT, ...NO_TOKEN, `r1_${DIGEST}`],
  agent: [...NO_TEXT, ...BAD_TEXT, 'a'.repeat(257)],
  root: [...NO_TEXT, ...NO_TOKEN],
  path: [...NO_TEXT, ...BAD_TEXT, 'p'.repeat(32_769)],
  logicalTime: [...NO_NUMBER, 0, 1.5, 2 ** 53],
  madeAt: [...NO_NUMBER, 0.5, 9e15, Date.now() + 7 * 86_400_000],
  deadlineAt: [...NO_NUMBER, 9e15],
  window: [
    ...NO_OBJECT,
    EMPTY,
    { neighbours: [], lengthMs: 1 },
    { neighbours: [`t1_${DIGEST}`, `t1_${DIGEST}`], lengthMs: 300_000 },
    { neighbours: [`k1_${DIGEST}`, `t1_${DIGEST}`], lengthMs: 300_000 },
    { neighbours: [`t1_${DIGEST}`, `t1_${'A'.repeat(42)}E`], lengthMs: 0 },
  ],
  workflow: [
    ...NO_OBJECT,
    EMPTY,
    { ...PLACE, name: '' },
    { ...PLACE, version: 0 },
    { ...PLACE, member: 7 },
    { ...PLACE, direction: 'sideways' },
  ],
  params: [
    { at: { $date: 'today' } },
    [{ $bigint: '0x7' }],
    { a: { b: { $bytes: '#' } } },
    {
      $map: [
        ['k', 1],
        ['k', 2],
      ],
    },
    { $set: [1, 1] },
    { $regex: '.' },
    { $object: { plain: 1 } },
    { $undefined: false },
  ],
};

/** As attributes, where everything is text, and has no control characters to lose. */
const BAD_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  schema: ['', '1', 'agent-once/task@2'],
  action: ['', 'A', 'a b', 'a'.repeat(129)],
  key: ['', 'k'.repeat(513), 'a\u0007'],
  requestHash: ['', 'r1_', `r1_${DIGEST}`],
  contextHash: ['', 'c1_'],
  agent: ['', 'a'.repeat(257)],
  root: ['', 'root'],
  path: ['', 'p\n'],
  logicalTime: ['', '0', '-1', '1.5', 'one', '9'.repeat(17), ' 1'],
  madeAt: ['', 'now', '1e3', '-1', '9'.repeat(16)],
  deadlineAt: ['', 'later', '-1'],
  params: ['', '{', 'nul', '{"$date":1}', '[1,]', "{'a':1}", '\ud800'],
  window: ['', '7', '{}', '[]', '{'],
  workflow: ['', '7', '{}', '{"name":'],
};

let messages = 0;

export function messageOf(data: Uint8Array, attributes: Record<string, string> = {}): RawMessage {
  messages += 1;
  return { id: `b${messages}`, data, attributes };
}

export const textOf = (json: unknown): Buffer => Buffer.from(JSON.stringify(json));

/** A good task with one field broken, or one that is needed left out. */
export function badField(random: Random): BadMessage {
  const fields = goodFields(random);
  if (random() < 0.1) {
    const field = pick(random, ['schema', 'action']);
    return { message: messageOf(textOf({ ...fields, [field]: undefined })), field };
  }
  if (random() < 0.05) {
    const { key: _key, token: _token, window: _window, ...anonymous } = fields;
    return { message: messageOf(textOf(anonymous)), field: 'key' };
  }
  const full = 'token' in fields;
  const names = Object.keys(BAD_VALUES).filter((name) => name !== (full ? 'key' : 'token'));
  const field = pick(random, names);
  const broken: Fields = { ...fields, [field]: pick(random, BAD_VALUES[field] ?? []) };
  // In a short task a window lacks its token and time as well: break that alone.
  if (field === 'window' && !full) return badField(random);
  if (field === 'token') delete broken['window'];
  return { message: messageOf(textOf(broken)), field };
}

/** A good task in attributes with one of them broken. */
export function badAttribute(random: Random): BadMessage {
  const field = pick(
    random,
    Object.keys(BAD_ATTRIBUTES).filter((name) => name !== 'window'),
  );
  const good = { schema: 'agent-once/task@1', action: 'a.b', key: `k${random()}`, params: '{}' };
  const attributes = { ...good, [field]: pick(random, BAD_ATTRIBUTES[field] ?? []) };
  return { message: messageOf(Buffer.alloc(0), attributes), field };
}

/** Data that is no task at all. */
export function badData(random: Random): BadMessage {
  const good = JSON.stringify(goodFields(random));
  const data = pick<() => Buffer>(random, [
    () => Buffer.concat([Buffer.from([0x80 + whole(random, 0x40)]), bytes(random, 200)]),
    () => Buffer.from(good.slice(0, 1 + whole(random, good.length - 1))),
    () => Buffer.from(`${good}}`),
    () => Buffer.from(good.replaceAll('"', "'")),
    () => textOf(pick(random, [null, true, 7, 'text', [], [goodFields(random)]])),
    () => textOf({ $map: Object.entries(goodFields(random)) }),
    () => Buffer.from('  \n'),
    () => Buffer.from(good, 'utf16le'),
  ])();
  return { message: messageOf(data), field: 'data' };
}

/** Params nested deeper than can be kept. */
export function badDepth(random: Random): BadMessage {
  const levels = 200 + whole(random, 300);
  const [open, close] = pick(random, [
    ['[', ']'],
    ['{"a":', '}'],
    ['{"$set":[', ']}'],
  ] as const);
  const params = `${open.repeat(levels)}1${close.repeat(levels)}`;
  const head = `{"schema":"agent-once/task@1","action":"a.b","key":"k${random()}","params":`;
  return { message: messageOf(Buffer.from(`${head}${params}}`)), field: 'params' };
}

/** A good task with one byte of it changed: still one, or not. */
export function flipped(random: Random): RawMessage {
  const data = textOf(goodFields(random));
  data[whole(random, data.length)] = whole(random, 256);
  return messageOf(data);
}
