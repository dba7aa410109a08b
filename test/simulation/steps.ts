import { z } from 'zod';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import { defineStep } from '../../functions/src/engine/step.ts';
import type { Steps } from '../../functions/src/engine/register-steps.ts';
import type { AnyStep, StepContext } from '../../functions/src/engine/step.ts';
import { NotDone, RetryableError, TerminalError } from '../../functions/src/operation/errors.ts';
import { sleep } from './instance.ts';
import type { Instance } from './instance.ts';
import { EFFECT_TIMEOUT_MS, remote } from './network.ts';
import { Declined } from './provider.ts';
import type { Manners, Receipt } from './provider.ts';
import type { World } from './world.ts';
import { LEASE_MS, LONG_LEASE_MS } from './leases.ts';

/** How a task's handler behaves, attempt by attempt. */
export const MOODS = [
  'well',
  /** The provider says no, each time. */
  'declined',
  /** Sometimes asks to be run again before it has begun. */
  'flaky',
  /** Sometimes is refused after the start: nothing was sent. */
  'refused',
  /** Sometimes throws after the effect. */
  'breaks',
  /** Sometimes runs over its time, before or after the effect. */
  'overtime',
  /** Gives the provider up while its request may still be on the way. */
  'hasty',
  /** Takes its time, before it starts or between the start and the effect: more than its lease, at times. */
  'long',
  /** Its result doesn't fit into a record. */
  'large',
  /** Its result has no canonical form. */
  'odd',
  /** What follows from its result can't be said while faults last. */
  'forgetful',
] as const;

export type Mood = (typeof MOODS)[number];

export interface Params {
  readonly label: string;
  readonly mood: Mood;
  readonly next: readonly { readonly action: string; readonly params: Params }[];
}

export const PARAMS: z.ZodType<Params> = z.object({
  label: z.string(),
  mood: z.enum(MOODS),
  next: z.array(z.object({ action: z.string(), params: z.custom<Params>() })),
});

export const MAX_ATTEMPTS = 8;
const TIMEOUT_MS = 20_000;

export const ACTIONS = ['sim.think', 'sim.charge', 'sim.book', 'sim.ship', 'sim.mail'] as const;
export type Action = (typeof ACTIONS)[number];

/** The provider that an action's effect is sent to. */
export const MANNERS: Readonly<Record<Action, Manners | undefined>> = {
  'sim.think': undefined,
  'sim.charge': 'replays',
  'sim.book': 'refuses',
  'sim.ship': 'repeats',
  'sim.mail': 'forgets',
};

/** One step of each effect kind, as a careful author writes it, as one process runs it. */
export function stepsFor(world: World, instance: Instance): Steps {
  const common = { params: PARAMS, leaseMs: LEASE_MS, timeoutMs: TIMEOUT_MS } as const;
  const follow = (_result: unknown, { mood, next }: Params) => {
    const forgets = mood === 'forgetful' && world.faults.active() && world.dice.chance(0.7);
    if (forgets) throw new Error('What follows is not known right now.');
    return next;
  };
  const shared = { ...common, next: follow, maxAttempts: MAX_ATTEMPTS };
  const asking = (manners: Manners) => ({
    effect: 'reconcilable' as const,
    run: (context: StepContext<Params>) => send(world, instance, manners, context),
    reconcile: ({ params, trackingId }: { params: Params; trackingId: string }) =>
      world.provider.status(instance, orderFor(manners, trackingId, params)),
  });
  const sending = (manners: Manners) => (context: StepContext<Params>) =>
    send(world, instance, manners, context);

  const steps: AnyStep[] = [
    defineStep({
      ...shared,
      action: 'sim.think',
      effect: 'pure',
      async run(context) {
        world.watch.began(instance, context);
        await before(world, instance, context);
        if (context.params.mood === 'declined') throw new TerminalError('declined', 'No.');
        await after(world, instance, context);
        return asResult(context.params, { label: context.params.label, effect: 0 });
      },
    }),
    defineStep({ ...shared, action: 'sim.charge', effect: 'idempotent', run: sending('replays') }),
    defineStep({ ...shared, action: 'sim.book', ...asking('refuses') }),
    defineStep({
      ...shared,
      action: 'sim.ship',
      ...asking('repeats'),
      leaseMs: LONG_LEASE_MS,
      settleMs: EFFECT_TIMEOUT_MS + 500,
    }),
    defineStep({ ...shared, action: 'sim.mail', effect: 'once', run: sending('forgets') }),
  ];
  const { mutant } = world;
  return registerSteps(steps.map((step) => mutant.step?.(step) ?? step));
}

async function send(
  world: World,
  instance: Instance,
  manners: Manners,
  context: StepContext<Params>,
): Promise<unknown> {
  const { params, idempotencyKey, signal } = context;
  world.watch.began(instance, context);
  await before(world, instance, context);
  const key = manners === 'replays' ? idempotencyKey : await context.start();
  await moment(world, instance);
  if (params.mood === 'long') await takeTime(world, instance);
  if (params.mood === 'refused' && world.dice.chance(0.5)) {
    throw new NotDone('refused', 'The provider was not reached.');
  }
  signal.throwIfAborted();
  world.watch.sending(instance, context, manners === 'replays' ? undefined : key);
  const receipt = await order(world, instance, manners, key, params);
  await after(world, instance, context);
  return asResult(params, receipt);
}

async function order(
  world: World,
  instance: Instance,
  manners: Manners,
  key: string,
  params: Params,
): Promise<Receipt> {
  try {
    const sent = world.provider.send(instance, orderFor(manners, key, params));
    return await (params.mood === 'hasty' ? orGiveUp(world, instance, sent) : sent);
  } catch (error) {
    if (!(error instanceof Declined)) throw error;
    if (manners === 'replays') throw new TerminalError('declined', error.message);
    throw new NotDone('declined', error.message, { final: true });
  }
}

async function orGiveUp<T>(world: World, instance: Instance, sent: Promise<T>): Promise<T> {
  const timeUp = sleep(world, instance, world.dice.between(20, 1_500)).then(() => {
    throw new Error('The provider takes too long.');
  });
  return Promise.race([sent, timeUp]);
}

function orderFor(manners: Manners, key: string, { label, mood }: Params) {
  return { manners, key, label, declines: mood === 'declined' };
}

async function before(world: World, instance: Instance, { params }: StepContext<Params>) {
  const { dice } = world;
  await moment(world, instance);
  switch (params.mood) {
    case 'flaky':
      if (dice.chance(0.5)) {
        throw new RetryableError('busy', 'Come again.', { retryAfterMs: dice.whole(0, 4_000) });
      }
      return;
    case 'overtime':
      if (dice.chance(0.3)) await sleep(world, instance, TIMEOUT_MS + 2_000);
      return;
    case 'long':
      if (dice.chance(0.5)) await takeTime(world, instance);
      return;
    default:
  }
}

async function after(world: World, instance: Instance, { params }: StepContext<Params>) {
  const { dice } = world;
  await moment(world, instance);
  if (params.mood === 'breaks' && dice.chance(0.4)) throw new Error('It broke after the effect.');
  if (params.mood === 'overtime' && dice.chance(0.3)) await sleep(world, instance, TIMEOUT_MS);
}

function takeTime(world: World, instance: Instance): Promise<void> {
  return sleep(world, instance, world.dice.between(LEASE_MS / 2, 1.6 * LEASE_MS));
}

/** A little of the process's own time, in which it may crash or stand still. */
function moment(world: World, instance: Instance): Promise<void> {
  return remote(world, instance, 'self', 'work', () => {});
}

const LARGE = 'x'.repeat(360 * 1_024);

function asResult({ mood }: Params, receipt: Receipt): unknown {
  if (mood === 'large') return { ...receipt, attachment: LARGE };
  if (mood === 'odd') return { ...receipt, reopen: () => receipt };
  return receipt;
}
