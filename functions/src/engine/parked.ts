import { recordedError } from '../operation/errors.ts';
import type { RecordedError } from '../operation/errors.ts';
import type { WorkflowRecord } from '../workflow/record.ts';
import type { Runtime } from './runtime.ts';

/** A workflow that stands still until a person acts. */
export function parked(record: WorkflowRecord, why: RecordedError): WorkflowRecord {
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

/** The next params don't fit their steps' schemas. */
export function misfit(misfits: readonly string[]): RecordedError {
  return {
    code: 'params_misfit',
    message: `The next params don't fit their steps (${misfits.join('; ')}). Mend the definition, then retry.`,
    retryable: false,
  };
}

/** The next params' own building threw. */
export function unbuildable(error: unknown): RecordedError {
  const { code, message } = recordedError(error);
  return {
    code: 'params_not_built',
    message: `The next step's params could not be built (${code}: ${message}). Mend the definition, then retry.`,
    retryable: false,
  };
}
