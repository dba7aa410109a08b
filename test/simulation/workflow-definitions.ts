import { defineWorkflow } from '../../functions/src/engine/define-workflow.ts';
import type {
  AnyWorkflow,
  Compensation,
  MemberOptions,
  WorkflowBuilder,
} from '../../functions/src/engine/define-workflow.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import type { Steps } from '../../functions/src/engine/register-steps.ts';
import type { AnyStep } from '../../functions/src/engine/step.ts';
import type { Instance } from './instance.ts';
import type { Receipt } from './provider.ts';
import { PARAMS, stepsFor } from './steps.ts';
import type { Params } from './steps.ts';
import type { MemberSpec, SagaSpec } from './workflow-spec.ts';
import type { SagaWorld } from './workflow-world.ts';

type Results = Readonly<Record<string, Receipt>>;
// oxlint-disable-next-line typescript/no-explicit-any -- its shape is made up at run time
type Options = MemberOptions<Params, any, any, any>;
// oxlint-disable-next-line typescript/no-explicit-any -- its shape is made up at run time
type Builder = WorkflowBuilder<any, any>;

/** The run's sagas and their steps, as one process has them. */
export function sagaSteps(world: SagaWorld, instance: Instance): Steps {
  const steps = new Map(
    [...stepsFor(world, instance)].map(([action, step]) => [action, bulkyAtTimes(world, step)]),
  );
  const { mutant } = world;
  const workflows = world.specs.map((spec) => {
    const workflow = defineSaga(world, spec, steps);
    return mutant.workflow?.(workflow) ?? workflow;
  });
  return registerSteps([...steps.values()], workflows);
}

const FILLER = 'x'.repeat(20 * 1_024);

/** Large enough to stay in the operation, small enough to be inline there. */
function bulkyAtTimes(world: SagaWorld, step: AnyStep): AnyStep {
  return {
    ...step,
    async run(context) {
      const result: unknown = await step.run(context);
      const { label } = context.params as Params;
      const bulky = world.memberOf(label)?.bulky === true && typeof result === 'object';
      return bulky ? { ...result, filler: FILLER } : result;
    },
  };
}

function defineSaga(
  world: SagaWorld,
  spec: SagaSpec,
  steps: ReadonlyMap<string, AnyStep>,
): AnyWorkflow {
  const { label, stages, deadlineMs } = spec;
  const head = { name: `saga.${label}`, version: 1, input: PARAMS };
  let builder: Builder = defineWorkflow(deadlineMs === undefined ? head : { ...head, deadlineMs });
  for (const [index, stage] of stages.entries()) {
    const earlier = stages.slice(0, index).flat();
    const made = stage.map((member) => ({
      name: member.name,
      step: stepNamed(steps, member.action),
      options: optionsFor(world, spec, earlier, member, steps),
    }));
    const [only, ...others] = made;
    if (only && others.length === 0) builder = builder.step(only.name, only.step, only.options);
    else {
      builder = builder.together((member) =>
        Object.fromEntries(made.map(({ name, step, options }) => [name, member(step, options)])),
      );
    }
  }
  return builder.build();
}

/** What no step takes. */
const MISFIT = { label: 17 } as unknown as Params & { seen: unknown };

function optionsFor(
  world: SagaWorld,
  { curious }: SagaSpec,
  earlier: readonly MemberSpec[],
  member: MemberSpec,
  steps: ReadonlyMap<string, AnyStep>,
): Options {
  const { label, mood, undo, deadlineMs, maxAttempts, mendedAtMs, misfit } = member;
  const read = earlier.filter((each) => curious || each.mood !== 'odd');
  return {
    params({ results }: { results: Results }): Params & { seen: unknown } {
      if (world.scheduler.now() < mendedAtMs) {
        world.meet(misfit ? 'params misfit' : 'params not built');
        if (misfit) return MISFIT;
        throw new Error('The definition is broken so far.');
      }
      return { label, mood, next: [], seen: read.map((each) => seenOf(world, results, each)) };
    },
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(undo && {
      compensate: {
        step: stepNamed(steps, undo.action),
        params: ({ result }) => ({
          label: undo.label,
          mood: undo.mood,
          next: [],
          ...(mood !== 'odd' && { undoes: (result as Receipt).effect }),
        }),
      } satisfies Compensation<Params, unknown, unknown>,
    }),
  };
}

/** What an earlier step's result tells: its own, whole, however it was kept. */
function seenOf(world: SagaWorld, results: Results, { name, label }: MemberSpec): number {
  const receipt = results[name];
  const kept = world.standing(label)?.record.members[name]?.result;
  if (receipt && !kept) world.meet('results elsewhere');
  if (receipt?.label !== label) {
    world.watch.broken(`A step's params are built from ${receipt?.label ?? 'nothing'}.`, label);
  }
  return receipt?.effect ?? 0;
}

function stepNamed(steps: ReadonlyMap<string, AnyStep>, action: string): AnyStep {
  const step = steps.get(action);
  if (!step) throw new RangeError(`There is no step ${action}.`);
  return step;
}
