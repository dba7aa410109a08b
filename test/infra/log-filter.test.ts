import { describe, expect, it } from 'vitest';
import { loggedEntry, parseFilter } from './support/log-filter.ts';

describe('the evaluator of filters', () => {
  const entry = loggedEntry(
    JSON.stringify({
      severity: 'ERROR',
      message: 'x y',
      time: '2026',
      n: 5,
      deep: { a: 'B', t: true },
    }),
    'one',
  );
  it.each([
    ['severity>=ERROR', true],
    ['severity>ERROR', false],
    ['jsonPayload.n>4 AND jsonPayload.n<6', true],
    ['jsonPayload.n=4 OR jsonPayload.n=5', true],
    ['jsonPayload.deep.a="b"', true],
    ['jsonPayload.deep.a=("c" OR "d")', false],
    ['jsonPayload.deep.t=true', true],
    ['NOT jsonPayload.deep.a:*', false],
    ['jsonPayload.none:*', false],
    ['jsonPayload.none!="x"', false],
    ['NOT (jsonPayload.n=5 AND severity=INFO)', true],
    ['resource.labels.service_name="one" AND jsonPayload.message:"Y"', true],
    ['severity=INFO AND jsonPayload.n=5 OR jsonPayload.n=6', false],
  ])('knows whether %s', (filter, expected) => {
    expect(parseFilter(filter)(entry)).toBe(expected);
  });

  it.each(['severity', 'a=b c', '(a=b', 'a=~"b"'])(
    'refuses what it does not know: %s',
    (filter) => {
      expect(() => parseFilter(filter)(entry)).toThrow(SyntaxError);
    },
  );
});
