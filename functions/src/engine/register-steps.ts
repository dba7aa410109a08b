import type { AnyWorkflow } from './define-workflow.ts';
import { defineStep } from './step.ts';
import type { AnyStep } from './step.ts';

/** Steps by action, and the workflows that they are members of. */
export interface Steps extends ReadonlyMap<string, AnyStep> {
  readonly workflows: Workflows;
}

export interface Workflows {
  /** The newest version: what new workflows are started under. */
  latest(name: string): AnyWorkflow | undefined;
  /** The version that a workflow was started under. */
  pinned(name: string, version: number): AnyWorkflow | undefined;
  /** The deployed versions of a workflow, ascending. */
  versions(name: string): readonly number[];
}

/**
 * Registers steps, and workflows with all of their members' and compensations' steps. Keep every
 * version of a workflow registered while one that was started under it may still run.
 *
 * @throws {RangeError} where two different steps share an action, or two definitions a version
 */
export function registerSteps(
  steps: readonly AnyStep[],
  workflows: readonly AnyWorkflow[] = [],
): Steps {
  const registered = new Map<string, AnyStep>();
  function add(step: AnyStep): void {
    const standing = registered.get(step.action);
    if (standing !== undefined && standing !== step) {
      throw new RangeError(`Two steps are named "${step.action}".`);
    }
    registered.set(step.action, step);
  }
  for (const step of steps) {
    if (registered.has(step.action)) throw new RangeError(`Two steps are named "${step.action}".`);
    add(step);
  }
  const known = knownWorkflows(workflows);
  for (const { stages } of workflows) {
    for (const { step, compensate } of stages.flat()) {
      add(step);
      if (compensate) add(compensate.step);
    }
  }
  for (const name of new Set(workflows.map((workflow) => workflow.name))) {
    const newest = known.latest(name);
    if (newest) add(startOf(newest));
  }
  return Object.assign(registered, { workflows: known });
}

function knownWorkflows(workflows: readonly AnyWorkflow[]): Workflows {
  const byName = Map.groupBy(workflows, ({ name }) => name);
  for (const [name, all] of byName) {
    const versions = new Set(all.map(({ version }) => version));
    if (versions.size < all.length) {
      throw new RangeError(`Workflow "${name}" has two definitions of one version.`);
    }
  }
  const sorted = (name: string) =>
    (byName.get(name) ?? []).toSorted((a, b) => a.version - b.version);
  return {
    latest: (name) => sorted(name).at(-1),
    pinned: (name, version) => sorted(name).find((workflow) => workflow.version === version),
    versions: (name) => sorted(name).map(({ version }) => version),
  };
}

/** The first task of a workflow: completing it begins the workflow, in the same commit. */
function startOf({ name, version, input }: AnyWorkflow): AnyStep {
  return defineStep({
    action: name,
    effect: 'pure',
    params: input,
    run: () => ({ workflow: name, version }),
  });
}
