import { recordedError } from '../operation/errors.ts';
import type { ParkedReason, WorkflowRecord } from '../workflow/record.ts';
import type { Runtime } from './runtime.ts';

/** A workflow that stands still until a person acts. */
export function parked(record: WorkflowRecord, why: ParkedReason): WorkflowRecord {
  const from = record.status === 'running' ? 'running' : 'compensating';
  return { ...record, status: 'parked', parked: why, parkedFrom: from };
}

/** For whoever is on call. Said again with each move of a workflow that is parked already. */
export function reportParked(
  { telemetry }: Pick<Runtime, 'telemetry'>,
  record: WorkflowRecord,
): void {
  if (record.status !== 'parked') return;
  const { name: workflow, parked: why } = record;
  telemetry.event('ERROR', 'A workflow is parked until a person acts', {
    workflow,
    ...(why && { parked: { code: why.code, message: why.message } }),
  });
}

/** A member whose params can't be made: they don't fit its step's schema, or building them threw. */
export interface Unmade {
  readonly member: string;
  readonly kind: 'misfit' | 'thrown';
  readonly what: string;
}

/** Why a workflow is parked over what was to be published next. */
export function unmadeParams(unmade: readonly Unmade[]): ParkedReason {
  const each = unmade.map(({ member, what }) => `"${member}" ${what}`).join('; ');
  const thrown = unmade.some(({ kind }) => kind === 'thrown');
  return {
    code: thrown ? 'params_not_built' : 'params_misfit',
    message: thrown
      ? `The next step's params could not be built (those of ${each}). Mend the definition, then retry.`
      : `The next params don't fit their steps (those of ${each}). Mend the definition, then retry.`,
    retryable: false,
    over: unmade.map(({ member }) => member),
  };
}

/** The step's schema refuses the params. */
export function misfit(member: string, action: string, faults: readonly string[]): Unmade {
  return { member, kind: 'misfit', what: `for ${action}: ${faults.join('; ')}` };
}

/** The params' own building threw. */
export function unbuildable(member: string, error: unknown): Unmade {
  const { code, message } = recordedError(error);
  return { member, kind: 'thrown', what: `by ${code}: ${message}` };
}
