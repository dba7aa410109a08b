import { z } from 'zod';

import { asking, provider } from '../../../functions/agents/order/provider.ts';
import { SandboxRefusal } from '../../../functions/agents/sandbox/client.ts';
import { defineStep } from '../../../functions/src/index.ts';
import type { AnyStep, StepContext } from '../../../functions/src/index.ts';
import { haltSchema } from '../halts.ts';
import type { Halts } from '../halts.ts';

const effectSchema = z.object({
  orderId: z.string(),
  /** Records its start though its kind does not ask for that. */
  starts: z.boolean().default(false),
  /** Nothing follows from it. */
  alone: z.boolean().default(false),
  halt: haltSchema.optional(),
});

export type EffectParams = z.input<typeof effectSchema>;

type Context = StepContext<z.output<typeof effectSchema>>;

/** What follows from each effect: one more, by the idempotency key. */
export const followed = defineStep({
  action: 'effects.followed',
  effect: 'idempotent',
  params: effectSchema,
  async run({ params: { orderId }, idempotencyKey, signal }) {
    signal.throwIfAborted();
    return made(() => provider().keyed({ orderId }, { idempotencyKey, signal }));
  },
});

/** The order under which the provider has what follows from an order's effect. */
export const followedOrder = (orderId: string): string => `${orderId}/followed`;

/** One step for each kind of effect, on the generic effects of the sandbox provider. */
export function effectSteps({ reach, freeze }: Pick<Halts, 'reach' | 'freeze'>): AnyStep[] {
  const next = (_: unknown, { orderId, alone }: z.output<typeof effectSchema>) =>
    alone ? [] : [followed.task({ orderId: followedOrder(orderId) })];

  async function untilSending(context: Context, starts: boolean): Promise<string | undefined> {
    const { token, signal, start, log } = context;
    signal.addEventListener('abort', () =>
      log('aborted', { token, reason: String(signal.reason) }),
    );
    const trackingId = starts ? await start() : undefined;
    await reach(token, 'after start');
    freeze(token, 'before send');
    return trackingId;
  }

  /** Only asks, so that nothing is different after a second time. */
  const pure = defineStep({
    action: 'effects.pure',
    effect: 'pure',
    params: effectSchema,
    next,
    async run(context) {
      const { params, signal } = context;
      await untilSending(context, params.starts);
      signal.throwIfAborted();
      const { state } = await provider().trackedStatus(params.orderId, { signal });
      return { state };
    },
  });

  const idempotent = defineStep({
    action: 'effects.idempotent',
    effect: 'idempotent',
    params: effectSchema,
    next,
    async run(context) {
      const { params, idempotencyKey, signal } = context;
      const { orderId, starts } = params;
      await untilSending(context, starts);
      signal.throwIfAborted();
      return made(() => provider().keyed({ orderId }, { idempotencyKey, signal }));
    },
  });

  const reconcilable = defineStep({
    action: 'effects.reconcilable',
    effect: 'reconcilable',
    params: effectSchema,
    next,
    async run(context) {
      const { orderId } = context.params;
      const trackingId = await untilSending(context, true);
      const { signal } = context;
      signal.throwIfAborted();
      return made(() => provider().tracked({ orderId }, { trackingId, signal }));
    },
    async reconcile({ trackingId, signal }) {
      const status = await provider().trackedStatus(trackingId, { signal });
      if (status.state === 'absent') return status;
      return { state: 'committed', result: { effectId: status.effect.id } };
    },
  });

  const once = defineStep({
    action: 'effects.once',
    effect: 'once',
    params: effectSchema,
    next,
    async run(context) {
      const { orderId } = context.params;
      await untilSending(context, true);
      const { signal } = context;
      signal.throwIfAborted();
      return made(() => provider().plain({ orderId }, { signal }));
    },
  });

  return [pure, idempotent, reconcilable, once, followed];
}

/** A refused second use of a tracking id tells of the effect that the first use made. */
async function made(
  call: () => Promise<{ effect: { id: string } }>,
): Promise<{ effectId: string }> {
  try {
    return { effectId: (await call()).effect.id };
  } catch (error) {
    if (error instanceof SandboxRefusal && error.effect) return { effectId: error.effect.id };
    return asking(() => Promise.reject(error as Error));
  }
}
