import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { defineEvents } from '../../../functions/src/engine/define-events.ts';
import type { EventOf, NewEventOf } from '../../../functions/src/engine/define-events.ts';
import type { Token } from '../../../functions/src/token/token.ts';

describe('the definition of events', () => {
  const events = defineEvents({
    Placed: z.object({ item: z.string() }),
    Paid: {
      schema: z.object({ cents: z.bigint() }),
      schemaVersion: 2,
      upcasters: { 1: (was) => was },
    },
  });

  test('a bare schema is version 1', () => {
    expect([...events.types].map(([type, { schemaVersion }]) => [type, schemaVersion])).toEqual([
      ['Placed', 1],
      ['Paid', 2],
    ]);
  });

  test('data is typed by the type of the event', () => {
    type Read = EventOf<typeof events>;
    type Appended = NewEventOf<typeof events>;
    expectTypeOf<Read['type']>().toEqualTypeOf<'Placed' | 'Paid'>();
    expectTypeOf<Extract<Read, { type: 'Paid' }>['data']>().toEqualTypeOf<{ cents: bigint }>();
    expectTypeOf<Extract<Read, { type: 'Placed' }>['at']>().toEqualTypeOf<number>();
    expectTypeOf<{
      type: 'Placed';
      data: { item: string };
      token: Token;
      logicalTime: number;
    }>().toExtend<Appended>();
    expectTypeOf<{
      type: 'Placed';
      data: { cents: bigint };
      token: Token;
      logicalTime: number;
    }>().not.toExtend<Appended>();
  });

  test('is refused with every fault at once', () => {
    const define = () =>
      defineEvents({
        '1st': z.object({}),
        Paid: { schema: z.object({}), schemaVersion: 3, upcasters: { 1: (was: unknown) => was } },
      });
    expect(define).toThrow('"1st" is no name for an event');
    expect(define).toThrow('Paid: no upcaster leads on from version 2');
    expect(() => defineEvents({})).toThrow('there are none');
  });
});
