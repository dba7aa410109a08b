import type { ClaimRequest } from '../operation/claim.ts';
import type { TaskDelivery } from '../operation/task.ts';
import { stepFor } from './member-step.ts';
import { MESSAGE_HOLDER } from './outcome.ts';
import { parseParams } from './param-faults.ts';
import { packText } from './payload.ts';
import type { Runtime } from './runtime.ts';
import type { Steps } from './register-steps.ts';
import type { AnyStep } from './step.ts';
import { factsOf, taskText } from './tasks.ts';

export type Prepared =
  | {
      readonly kind: 'ready';
      readonly step: AnyStep;
      readonly params: unknown;
      readonly request: ClaimRequest;
    }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

/** Finds a delivery's step, validates its params, and says what to claim. Nothing is claimed for an invalid one. */
export async function prepare(
  runtime: Runtime,
  steps: Steps,
  { task, namespace, messageId, redelivery }: TaskDelivery,
): Promise<Prepared> {
  const step = stepFor(steps, task);
  if (!step) {
    const known = [...steps.keys()].toSorted().join(', ');
    return {
      kind: 'invalid',
      faults: [`action: no step "${task.action}" is registered; known: ${known}`],
    };
  }
  const parsed = await parseParams(step, task.params);
  if (!parsed.success) return { kind: 'invalid', faults: parsed.faults };
  const facts = factsOf(task, namespace, step);
  const windowed = task.window !== undefined;
  const request: ClaimRequest = {
    facts,
    claimId: runtime.newClaimId(),
    leaseMs: step.leaseMs,
    holder: `${MESSAGE_HOLDER}${messageId}`,
    task: await packText(taskText(task), runtime.blobs, { ...facts, windowed }, 'task'),
    likelyDuplicate: redelivery,
    strictContext: step.strictContext,
    ...(task.window && { window: task.window }),
  };
  return { kind: 'ready', step, params: parsed.data, request };
}
