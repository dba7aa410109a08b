import { registerSteps } from '../engine/register-steps.ts';
import type { Steps } from '../engine/register-steps.ts';

/**
 * The steps and workflows of this copy of the code. What steers a workflow needs its definition, and
 * refuses one whose version is not among them.
 */
export async function deployedSteps(): Promise<Steps> {
  const { steps, workflows } = await import('../../agents/index.ts');
  return registerSteps(steps, workflows);
}
