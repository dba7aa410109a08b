import { registerSteps } from '../engine/register-steps.ts';
import { runTask } from '../engine/run-task.ts';
import type { TaskOutcome } from '../engine/outcome.ts';
import type { Runtime } from '../engine/runtime.ts';
import type { AnyStep } from '../engine/step.ts';
import type { OperationRecord } from '../operation/record.ts';
import type { TaskDelivery } from '../operation/task.ts';
import { aDelivery, aRuntime, aTask } from './builders.ts';
import { mortal } from './crash-points.ts';
import type { CrashPoint, Passage } from './crash-points.ts';
import { settableClock } from './settable-clock.ts';
import type { SettableClock } from './settable-clock.ts';

export interface CrashOptions<Params> {
  /** Each run has an idempotency key of its own. Where the params must differ as well, make them here. */
  readonly params: Params | ((run: number) => Params);
  /** How many effects your fake provider has counted so far, over all runs. */
  effects(): number | Promise<number>;
  /** Steps that may follow from the result; they are not run. */
  readonly following?: readonly AnyStep[];
}

export interface CrashRun {
  readonly point: CrashPoint;
  /** What is on record in the end. */
  readonly outcome: OperationRecord['status'];
  readonly effects: number;
}

/** One task in a world of its own. */
interface Scene {
  readonly runtime: Runtime;
  readonly clock: SettableClock;
  readonly delivery: TaskDelivery;
  readonly following: readonly AnyStep[];
  readonly effectsBefore: number;
}

/** More deliveries than any step in order needs. */
const MAX_DELIVERIES = 50;

/** @throws {Error} saying why, where the step does not complete */
export async function cleanRun<Params>(
  step: AnyStep,
  options: CrashOptions<Params>,
  passing: Passage,
): Promise<CrashRun> {
  const scene = await setScene(step, options, 0);
  const outcome = await deliver(mortal(scene.runtime, passing), passingStep(step, passing), scene);
  await passing.pass('before acknowledge');
  if (outcome.kind !== 'completed') {
    throw new Error(`${step.action} does not complete without a crash: ${reasonFor(outcome)}`);
  }
  return report(scene, options, 'nowhere');
}

export async function crashRun<Params>(
  step: AnyStep,
  options: CrashOptions<Params>,
  run: number,
  passing: Passage,
  point: CrashPoint,
): Promise<CrashRun> {
  const scene = await setScene(step, options, run);
  const dying = deliver(mortal(scene.runtime, passing), passingStep(step, passing), scene);
  const acknowledged = dying.then(() => passing.pass('before acknowledge'));
  await Promise.race([acknowledged, passing.crashed]);
  if (!passing.isDead()) {
    throw new Error(`${step.action} never came to "${point}" again. Is it the same on every run?`);
  }
  await scene.clock.advance(step.leaseMs + 1);
  await untilSettled(step, scene);
  return report(scene, options, point);
}

/** The process stands still in the step until another one has settled its task, and then goes on. */
export async function frozenRun<Params>(
  step: AnyStep,
  options: CrashOptions<Params>,
  run: number,
): Promise<CrashRun> {
  const scene = await setScene(step, options, run);
  const { clock, runtime } = scene;
  const { promise: thawed, resolve: thaw } = Promise.withResolvers<void>();
  let late: Promise<unknown> = Promise.resolve();
  const frozenStep: AnyStep = {
    ...step,
    run(context) {
      const ran = thawed.then(() => step.run(context) as unknown);
      late = ran.catch(() => {});
      return ran;
    },
  };
  const frozenClock = {
    ...clock,
    after: (ms: number, fn: () => void) => clock.after(ms, () => void thawed.then(fn)),
  };
  const frozen = deliver({ ...runtime, clock: frozenClock }, frozenStep, scene);
  await clock.advance(step.leaseMs + 1);
  await untilSettled(step, scene);
  thaw();
  await Promise.all([frozen, late]);
  return report(scene, options, 'frozen in the step');
}

async function setScene<Params>(
  step: AnyStep,
  { params, effects, following = [] }: CrashOptions<Params>,
  run: number,
): Promise<Scene> {
  const clock = settableClock();
  const given = typeof params === 'function' ? (params as (run: number) => Params)(run) : params;
  const delivery = aDelivery(aTask(step, given, { key: `run-${run}` }));
  const effectsBefore = await effects();
  return { clock, runtime: aRuntime({ clock }), delivery, following, effectsBefore };
}

/** Points in the step itself; its effect lies between them. */
function passingStep(step: AnyStep, passing: Passage): AnyStep {
  return {
    ...step,
    async run(context) {
      await passing.pass('at the beginning of the step');
      const result: unknown = await step.run(context);
      await passing.pass('at the end of the step');
      return result;
    },
  };
}

function deliver(
  runtime: Runtime,
  step: AnyStep,
  { delivery, following }: Pick<Scene, 'delivery' | 'following'>,
): Promise<TaskOutcome> {
  return runTask(runtime, registerSteps([step, ...following]), delivery);
}

/** Delivers the task to fresh processes, as a queue would, until nothing is left to do for it. */
async function untilSettled(step: AnyStep, scene: Scene): Promise<void> {
  const { runtime, clock, delivery, following } = scene;
  const { store, blobs, publisher } = runtime;
  const redelivery = { following, delivery: { ...delivery, redelivery: true } };
  let outcome: TaskOutcome | undefined;
  for (let times = 0; times < MAX_DELIVERIES; times += 1) {
    outcome = await deliver(aRuntime({ store, blobs, publisher, clock }), step, redelivery);
    switch (outcome.kind) {
      case 'in_flight_here':
      case 'in_flight_elsewhere':
      case 'retryable_error':
        await clock.advance(outcome.retryAfterMs + 1);
        break;
      case 'claim_lost':
      case 'store_away':
        await clock.advance(step.leaseMs + 1);
        break;
      case 'completed':
      case 'replayed':
      case 'cancelled':
      case 'in_doubt':
      case 'mismatch':
      case 'expired':
      case 'invalid':
      case 'terminal_error':
        return;
    }
  }
  const reason = outcome ? reasonFor(outcome) : 'it was never delivered.';
  throw new Error(`${step.action} is not settled after ${MAX_DELIVERIES} deliveries: ${reason}`);
}

async function report<Params>(
  { runtime, delivery, effectsBefore }: Scene,
  { effects }: CrashOptions<Params>,
  point: CrashPoint,
): Promise<CrashRun> {
  const { task, namespace } = delivery;
  const found = await runtime.store.get(namespace, task.token);
  if (!found) throw new Error(`After a crash ${point}, nothing is on record for ${task.action}.`);
  return { point, outcome: found.record.status, effects: (await effects()) - effectsBefore };
}

function reasonFor(outcome: TaskOutcome): string {
  if ('error' in outcome)
    return `${outcome.kind} (${outcome.error.code}: ${outcome.error.message})`;
  if ('faults' in outcome) return `${outcome.kind} (${outcome.faults.join('; ')})`;
  return `${outcome.kind}.`;
}
