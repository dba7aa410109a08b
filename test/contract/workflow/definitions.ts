import { z } from 'zod';
import {
  defineStep,
  defineWorkflow,
  NotDone,
  registerSteps,
  undoWith,
} from '../../../functions/src/index.ts';
import type { Steps } from '../../../functions/src/index.ts';

export interface Counted {
  /** Effects in the order in which they happened. */
  readonly effects: string[];
  readonly steps: Steps;
}

/** Reserve, charge, ship: shipping to `nowhere` fails for good. */
export function orderSaga(onEffect: (effect: string) => void | Promise<void> = () => {}) {
  const effects: string[] = [];
  async function effect(name: string): Promise<void> {
    await onEffect(name);
    effects.push(name);
  }
  const order = z.object({ to: z.string() });
  const step = (action: string) =>
    defineStep({
      action,
      effect: 'idempotent',
      params: z.object({ to: z.string(), after: z.string().optional() }),
      async run({ params: { to } }) {
        if (action === 'test.ship' && to === 'nowhere') {
          throw new NotDone('undeliverable', 'Nobody delivers to nowhere.', { final: true });
        }
        await effect(action);
        return { id: `${action}-1` };
      },
    });
  const [reserve, charge, ship, release, refund] = [
    step('test.reserve'),
    step('test.charge'),
    step('test.ship'),
    step('test.release'),
    step('test.refund'),
  ];
  const workflow = defineWorkflow({ name: 'test.order', version: 1, input: order })
    .step('reserve', reserve, {
      params: ({ input }) => input,
      compensate: undoWith(release, ({ input, result }) => ({ ...input, after: result.id })),
    })
    .step('charge', charge, {
      params: ({ input, results }) => ({ ...input, after: results.reserve.id }),
      compensate: undoWith(refund, ({ input, result }) => ({ ...input, after: result.id })),
    })
    .step('ship', ship, {
      params: ({ input, results }) => ({ ...input, after: results.charge.id }),
    })
    .build();
  return { effects, workflow, steps: registerSteps([], [workflow]) };
}

/** `size` members side by side, each answering `bytes` of text, then one step that joins them. */
export function fanOut(size: number, bytes = 1) {
  const effects: string[] = [];
  const member = defineStep({
    action: 'test.member',
    effect: 'idempotent',
    params: z.object({ index: z.int() }),
    run({ params: { index } }) {
      effects.push(`member ${index}`);
      return String(index % 10).repeat(bytes);
    },
  });
  const join = defineStep({
    action: 'test.join',
    effect: 'idempotent',
    params: z.object({ lengths: z.array(z.int()), texts: z.array(z.string()) }),
    run({ params: { lengths } }) {
      effects.push('join');
      return lengths;
    },
  });
  const workflow = defineWorkflow({ name: 'test.fan', version: 1, input: z.object({}) })
    .together((add) =>
      Object.fromEntries(
        Array.from({ length: size }, (_, index) => [
          `m${index}`,
          add(member, { params: () => ({ index }) }),
        ]),
      ),
    )
    .step('join', join, {
      params: ({ results }) => {
        const texts = Object.values(results);
        return { lengths: texts.map(({ length }) => length), texts };
      },
    })
    .build();
  return { effects, workflow, steps: registerSteps([], [workflow]) };
}
