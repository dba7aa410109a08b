import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { receive, tick } from '../../../functions/src/token/lamport.ts';

describe('logical time', () => {
  test('a tick is one later; a receipt is later than both clocks', () => {
    expect(tick(0)).toBe(1);
    expect(receive(3, 9)).toBe(10);
    expect(receive(9, 3)).toBe(10);
    expect(receive(4, 4)).toBe(5);
  });

  test('whatever a message caused is later than the message', () => {
    const events = fc.array(fc.record({ from: fc.nat(3), to: fc.nat(3), idle: fc.nat(5) }), {
      maxLength: 50,
    });
    fc.assert(
      fc.property(events, (messages) => {
        const clocks = [0, 0, 0, 0];
        for (const { from, to, idle } of messages) {
          for (let step = 0; step < idle; step += 1) clocks[from] = tick(clocks[from] ?? 0);
          const sent = tick(clocks[from] ?? 0);
          clocks[from] = sent;
          const before = clocks[to] ?? 0;
          clocks[to] = receive(before, sent);
          expect(clocks[to]).toBeGreaterThan(sent);
          expect(clocks[to]).toBeGreaterThan(before);
        }
      }),
    );
  });

  test.each([-1, 0.5, Number.NaN, Infinity, 2 ** 53])('%d is refused as a time', (time) => {
    expect(() => tick(time)).toThrow('The local logical time');
    expect(() => receive(time, 1)).toThrow('The local logical time');
    expect(() => receive(1, time)).toThrow('The received logical time');
  });

  test('the last safe integer is reached but not passed', () => {
    const last = Number.MAX_SAFE_INTEGER;
    expect(tick(last - 1)).toBe(last);
    expect(() => tick(last)).toThrow(/at its end .* forged/);
    expect(() => receive(0, last)).toThrow(RangeError);
    expect(() => receive(last, 0)).toThrow(RangeError);
  });
});
