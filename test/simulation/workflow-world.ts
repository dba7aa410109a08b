import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import { workflowTable } from '../../functions/src/testing/memory-workflows.ts';
import type { WorkflowTable } from '../../functions/src/testing/memory-workflows.ts';
import { documentId } from '../../functions/src/token/token.ts';
import type { Token } from '../../functions/src/token/token.ts';
import type { StoredWorkflow } from '../../functions/src/workflow/record.ts';
import type { Order } from './provider.ts';
import type { WorkflowMutant } from './workflow-mutant.ts';
import { sagaOf } from './workflow-spec.ts';
import type { MemberSpec, SagaSpec } from './workflow-spec.ts';
import { createSagaWatch } from './workflow-watch.ts';
import type { SagaWatch } from './workflow-watch.ts';
import { createWorld, NAMESPACE } from './world.ts';
import type { RunOptions, World } from './world.ts';

/** A run over sagas: the same world, with workflows beside the operations. */
export interface SagaWorld extends World {
  readonly mutant: WorkflowMutant;
  readonly watch: SagaWatch;
  readonly workflows: WorkflowTable;
  readonly specs: SagaSpec[];
  /** The sagas' first tasks, by label. */
  readonly roots: Map<string, TaskMessage>;
  /** Labels of what the provider declines until a person has seen to it. */
  readonly declined: Set<string>;
  /** Labels of sagas that a person leaves parked. */
  readonly left: Set<string>;
  /** Labels of sagas that a person was told are cancelled. */
  readonly cancelled: Set<string>;
  /** Since when nothing goes wrong any more, what faults had begun included. */
  calmFrom: number;
  /** What people are about to do. */
  steering: number;
  /** How often what only sagas meet was met. */
  readonly met: Map<string, number>;
  specOf(label: string): SagaSpec | undefined;
  memberOf(label: string): MemberSpec | undefined;
  /** A saga's document, by its label. */
  standing(label: string): StoredWorkflow | undefined;
  operation(token: Token | undefined): StoredOperation | undefined;
  meet(kind: string): void;
}

export function createSagaWorld(options: RunOptions): SagaWorld {
  const plain = createWorld(options);
  const specs: SagaSpec[] = [];
  const roots = new Map<string, TaskMessage>();
  const declined = new Set<string>();
  const met = new Map<string, number>();
  const members = new Map<string, MemberSpec>();
  const { provider } = plain;
  const workflows = workflowTable(plain.table, plain.now);

  const world = Object.assign(plain, {
    workflows,
    specs,
    roots,
    declined,
    met,
    left: new Set<string>(),
    cancelled: new Set<string>(),
    calmFrom: Infinity,
    steering: 0,
    specOf: (label: string) => specs.find((spec) => spec.label === sagaOf(label)),
    memberOf(label: string) {
      if (members.size === 0) {
        for (const member of specs.flatMap(({ stages }) => stages.flat())) {
          members.set(member.label, member);
        }
      }
      return members.get(label);
    },
    standing(label: string) {
      const root = roots.get(sagaOf(label));
      return root && workflows.standing(documentId(NAMESPACE, root.token));
    },
    operation: (token: Token | undefined) =>
      token === undefined ? undefined : plain.table.standing(documentId(NAMESPACE, token)),
    meet(kind: string) {
      met.set(kind, (met.get(kind) ?? 0) + 1);
    },
    provider: {
      ...provider,
      send: (caller: Parameters<typeof provider.send>[0], order: Order) =>
        provider.send(caller, {
          ...order,
          declines: order.declines || declined.has(order.label),
        }),
    },
  }) as unknown as { -readonly [Part in keyof SagaWorld]: SagaWorld[Part] };
  world.watch = createSagaWatch(world, plain.watch);
  return world;
}
