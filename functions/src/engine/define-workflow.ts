import type { z } from 'zod';
import type { Plan } from '../workflow/advance.ts';
import type { AnyStep, FollowUp, Step } from './step.ts';
import { faultsOf } from './workflow-faults.ts';

/** What a member's params are built from: the workflow's input and the results of all earlier stages. */
export interface MemberContext<Input, Results> {
  readonly input: Input;
  readonly results: Results;
}

export interface MemberOptions<Input, Results, Schema extends z.ZodType, Result> {
  /**
   * Pure: they may be built again. What can't be built, or does not fit the step's schema, parks the
   * workflow for a person, who mends the definition and retries, or cancels.
   */
  params(context: MemberContext<Input, Results>): z.input<Schema>;
  /** Undoes the step once it has completed: a step of its own, run under its own child token. */
  readonly compensate?: Compensation<Input, Results, Result>;
  /** How often the step is claimed within this workflow, at most; its own `maxAttempts` otherwise. */
  readonly maxAttempts?: number;
  /** From its publishing; a step not claimed by then fails with `deadline_passed`. */
  readonly deadlineMs?: number;
}

export interface Compensation<Input, Results, Result> {
  readonly step: AnyStep;
  params(context: MemberContext<Input, Results> & { readonly result: Result }): unknown;
  /** As a member's. */
  readonly maxAttempts?: number;
}

/** Pairs a compensating step with its params, typed from both, and its own retry policy if it has one. */
export function undoWith<Input, Results, Result, Schema extends z.ZodType>(
  step: Step<Schema>,
  params: (context: MemberContext<Input, Results> & { readonly result: Result }) => z.input<Schema>,
  options: Pick<Compensation<Input, Results, Result>, 'maxAttempts'> = {},
): Compensation<Input, Results, Result> {
  return { step, params, ...options };
}

/** A step's place in a workflow. */
export interface Member {
  readonly name: string;
  readonly step: AnyStep;
  params(context: MemberContext<unknown, unknown>): unknown;
  readonly compensate?: Compensation<unknown, unknown, unknown>;
  readonly maxAttempts?: number;
  readonly deadlineMs?: number;
}

/** A definition, pinned by its version for every workflow that is started under it. */
export interface Workflow<Schema extends z.ZodType = z.ZodType, Results = unknown> {
  readonly name: string;
  readonly version: number;
  readonly input: Schema;
  readonly deadlineMs?: number;
  readonly stages: readonly (readonly Member[])[];
  readonly plan: Plan;
  /** The workflow's first task, to publish with `makeTask`. Its token becomes the root. */
  task(input: z.input<Schema>): FollowUp;
  /** Only a type: what the members' results are known as. */
  readonly results?: Results;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a registry holds workflows of every input
export type AnyWorkflow = Workflow<any, any>;

/** A member of a parallel group, before it has its name. */
interface Unnamed<Result> {
  readonly member: Omit<Member, 'name'>;
  readonly result?: Result;
}

type MakeMember<Input, Results> = <Schema extends z.ZodType, Result>(
  step: Step<Schema, Result>,
  options: MemberOptions<Input, Results, Schema, Result>,
) => Unnamed<Result>;

type ResultsOf<Group> = { [Name in keyof Group]: Group[Name] extends Unnamed<infer R> ? R : never };

export interface WorkflowBuilder<Schema extends z.ZodType, Results> {
  /** The next step. Names are lower-case words; params are typed from all that came before. */
  step<Name extends string, StepSchema extends z.ZodType, Result>(
    name: Name,
    step: Step<StepSchema, Result>,
    options: MemberOptions<z.output<Schema>, Results, StepSchema, Result>,
  ): WorkflowBuilder<Schema, Results & { readonly [K in Name]: Result }>;
  /** Steps that run side by side; the next stage starts, once, when all have completed. */
  together<Group extends Record<string, Unnamed<unknown>>>(
    group: (member: MakeMember<z.output<Schema>, Results>) => Group,
  ): WorkflowBuilder<Schema, Results & ResultsOf<Group>>;
  /** @throws {RangeError} naming all that is wrong with the definition */
  build(): Workflow<Schema, Results>;
}

export interface WorkflowHead<Schema extends z.ZodType> {
  /** Dotted, lower case, like an action: `order.fulfil`. */
  readonly name: string;
  /** Raise it with every change to the steps; keep the old definition registered while it has workflows. */
  readonly version: number;
  readonly input: Schema;
  /** From its start; a workflow still running then is compensated. */
  readonly deadlineMs?: number;
}

/** Defines a saga: steps forward, and how to take back the completed ones when a later one fails for good. */
export function defineWorkflow<Schema extends z.ZodType>(
  head: WorkflowHead<Schema>,
): WorkflowBuilder<Schema, unknown> {
  return builder(head, []);
}

function builder<Schema extends z.ZodType, Results>(
  head: WorkflowHead<Schema>,
  stages: readonly (readonly Member[])[],
): WorkflowBuilder<Schema, Results> {
  function withStage<More>(stage: readonly Member[]): WorkflowBuilder<Schema, Results & More> {
    return builder(head, [...stages, stage]);
  }
  return {
    step: (name, step, options) => withStage([{ name, step, ...options }]),
    together(group) {
      const made = group((step, options) => ({
        member: { step, ...options },
      }));
      return withStage(Object.entries(made).map(([name, { member }]) => ({ name, ...member })));
    },
    build() {
      const faults = faultsOf(head, stages);
      if (faults.length > 0) {
        throw new RangeError(`Workflow "${head.name}" is not usable: ${faults.join('; ')}.`);
      }
      return {
        ...head,
        stages,
        plan: { stages: stages.map((stage) => stage.map(planned)) },
        task: (input) => ({ action: head.name, params: input }),
      };
    },
  };
}

function planned({ name, compensate }: Member): { name: string; undoable: boolean } {
  return { name, undoable: compensate !== undefined };
}
