import { expect, test } from 'vitest';
import { unpainted } from '../../../functions/src/cli/paint.ts';
import { withoutSecrets } from '../../../functions/src/cli/secrets.ts';
import { table } from '../../../functions/src/cli/table.ts';
import { age, duration, moment, parseDuration } from '../../../functions/src/cli/times.ts';

test('a table is as wide as its cells, whatever colours they carry', () => {
  const red = (text: string): string => `\u001B[31m${text}\u001B[39m`;
  const lines = table(
    [
      { name: 'a', count: 1 },
      { name: red('longer'), count: 20 },
    ],
    [
      { title: 'NAME', cell: ({ name }) => name },
      { title: 'N', cell: ({ count }) => String(count), align: 'right' },
    ],
    unpainted,
  );
  expect(lines.split('\n')).toEqual(['NAME     N', 'a        1', `${red('longer')}  20`]);
});

test.for([
  [0, '0 ms'],
  [999, '999 ms'],
  [1_500, '1.5 s'],
  [90_000, '1.5 min'],
  [5_400_000, '1.5 h'],
  [2_592_000_000, '30 d'],
] as const)('%i ms is shown as %s', ([ms, shown]) => {
  expect(duration(ms)).toBe(shown);
});

test('times are UTC, and say how far away they are', () => {
  expect(moment(Date.UTC(2026, 0, 31, 3, 4, 5, 6))).toBe('2026-01-31 03:04:05.006Z');
  expect(age(1_000, 3_000)).toBe('2 s ago');
  expect(age(3_000, 1_000)).toBe('in 2 s');
});

test.for([
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['90 min', 5_400_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
  ['7', undefined],
  ['1.5h', undefined],
  ['-1d', undefined],
  ['', undefined],
] as const)('%j is a duration of %s ms', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms);
});

test('fields with secret names are hidden at any depth, and nothing else is', () => {
  const kept = {
    orderId: 'o-1',
    cardinality: 3,
    tokens: 12,
    at: new Date(0),
    bytes: new Uint8Array([1]),
  };
  expect(withoutSecrets(kept)).toEqual(kept);
  const hidden = {
    password: 'p',
    clientSecret: 's',
    Authorization: 'Bearer x',
    apiKey: 'k',
    'x-api-key': 'k',
    accessToken: 't',
    token: 't',
    cardNumber: '4111',
    cvc: '123',
  };
  const shown = withoutSecrets({ list: [new Map([['deep', hidden]])] }) as {
    list: [Map<string, Record<string, unknown>>];
  };
  expect(Object.values(shown.list[0].get('deep')!)).toEqual(
    Object.keys(hidden).map(() => '(hidden)'),
  );
});
