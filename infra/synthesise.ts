import { App } from 'cdktf';
import type { TerraformStack } from 'cdktf';
import type { Environment } from './environment.ts';
import { ComputeStack } from './stacks/compute-stack.ts';
import type { FunctionSource } from './stacks/compute-stack.ts';
import { DataStack } from './stacks/data-stack.ts';
import { FoundationStack } from './stacks/foundation-stack.ts';
import { MessagingStack } from './stacks/messaging-stack.ts';
import { ObservabilityStack } from './stacks/observability-stack.ts';
import { OptionalStack } from './stacks/optional-stack.ts';

/** In the order in which they are applied; taken down in the opposite one. */
export const STACK_ORDER = [
  'foundation',
  'data',
  'messaging',
  'optional',
  'compute',
  'observability',
] as const;

/**
 * Adds every stack of an environment. No stack reads another's state: names are made from the environment,
 * and the order in which stacks are applied is all that they need of each other.
 */
export function addStacks(
  app: App,
  environment: Environment,
  source: FunctionSource,
): TerraformStack[] {
  const stacks = [
    new FoundationStack(app, environment),
    new DataStack(app, environment),
    new MessagingStack(app, environment),
    new OptionalStack(app, environment),
    new ComputeStack(app, environment, source),
    new ObservabilityStack(app, environment),
  ];
  for (const [place, stack] of stacks.entries()) {
    const before = stacks[place - 1];
    if (before) stack.addDependency(before);
  }
  return stacks;
}

/** Writes Terraform JSON to `<outdir>/stacks/<stack>/cdk.tf.json`. Needs neither credentials nor network. */
export function synthesise(environment: Environment, source: FunctionSource, outdir: string): void {
  const app = new App({ outdir, skipValidation: true });
  addStacks(app, environment, source);
  app.synth();
}
