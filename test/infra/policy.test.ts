import { describe, expect, it } from 'vitest';
import { steps, workflows } from '../../functions/agents/index.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import type { Policy } from '../../infra/policy/access.ts';
import { allBackoffSeconds, timesFit } from '../../infra/policy/durability.ts';
import { POLICIES } from '../../infra/policy/policies.ts';
import type { Resource } from '../../infra/policy/synthesised.ts';
import { BROKEN, find } from './support/broken-stacks.ts';
import { ENVIRONMENTS, resourcesOf } from './support/synthesised-environment.ts';

const STEPS = [...registerSteps(steps, workflows).values()];
const ALL: Readonly<Record<string, Policy>> = { ...POLICIES, timesFit: timesFit(STEPS) };
const CASES = Object.keys(ENVIRONMENTS).flatMap((environment) =>
  Object.keys(ALL).map((policy) => [environment, policy] as const),
);

const whole = new Map(Object.keys(ENVIRONMENTS).map((name) => [name, resourcesOf(name)]));

it.each(CASES)('the environment %s holds to %s', (environment, policy) => {
  expect(ALL[policy]?.(whole.get(environment) ?? [])).toEqual([]);
});

describe('a policy refuses', () => {
  it.each(BROKEN)('$how ($policy)', ({ policy, expected, break: breaking }) => {
    const resources = structuredClone(whole.get('prod') ?? []) as Resource[];
    breaking(resources);
    const faults = ALL[policy]?.(resources) ?? [];
    expect(faults.join('\n')).toContain(expected);
  });

  it('something in at least one case each', () => {
    expect(new Set(BROKEN.map(({ policy }) => policy))).toEqual(new Set(Object.keys(ALL)));
  });
});

it('Pub/Sub goes on for more than fifteen hours, longer than any step, before it gives a task up', () => {
  const push = find(whole.get('prod') ?? [], 'pubsub_subscription', 'push-tasks');
  expect(allBackoffSeconds(push)).toBeGreaterThan(15 * 3_600);
  expect(Math.max(...STEPS.map(({ timeoutMs }) => timeoutMs))).toBeLessThan(540_000);
});
