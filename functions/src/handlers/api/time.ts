import { z } from '@hono/zod-openapi';
import { createLogicalClock } from '../../engine/logical-time.ts';
import type { LogicalClock } from '../../engine/logical-time.ts';
import { within } from '../../engine/within.ts';
import type { Namespace } from '../../token/token.ts';
import { addEndpoint } from './endpoint.ts';
import type { Api } from './endpoint.ts';
import { logicalTimeField } from './fields.ts';
import { problem } from './problem.ts';

/** Logical time for callers that have no clock of their own; one clock a namespace and instance. */
export function addTime(api: Api): void {
  const clocks = new Map<Namespace, LogicalClock>();

  function clockOf(namespace: Namespace): LogicalClock {
    const known = clocks.get(namespace);
    if (known) return known;
    const { time } = api.service;
    const reserve = (size: number, after: number) => time.reserveBlock(namespace, size, after);
    const clock = createLogicalClock({ reserve });
    clocks.set(namespace, clock);
    return clock;
  }

  addEndpoint(api, {
    method: 'post',
    path: '/v1/time/tick',
    operationId: 'Tick',
    tag: 'events',
    summary: 'The logical time of something that happens now.',
    description:
      'Later than `received`, and than every time that this instance gave in the namespace. Give the ' +
      'latest time that you know of, your own included: instances do not know each other’s. Times of ' +
      'two callers may be equal; tokens order those.',
    permission: 'run',
    body: z
      .strictObject({ received: logicalTimeField.optional().describe('The latest that is known.') })
      .openapi('TickRequest'),
    answers: { 200: z.object({ logicalTime: z.int() }).openapi('Ticked') },
    async handle({ caller: { namespace }, body: { received } }, { runtime }) {
      const clock = clockOf(namespace);
      const asked = received === undefined ? clock.tick() : clock.receive(received);
      try {
        const { claimAnswerMs } = runtime.limits;
        const logicalTime = await within(runtime.clock, claimAnswerMs, asked);
        return { status: 200, body: { logicalTime } };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        const faults = [`body.received: ${error.message}`];
        return problem('invalid', 'The time is not believed.', { faults });
      }
    },
  });
}
