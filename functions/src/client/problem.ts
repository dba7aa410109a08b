/** RFC 9457 problem details, as the service answers them. */
export interface Problem {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  readonly detail: string;
  /** Whether the same request, sent again later, may be answered otherwise. */
  readonly retryable: boolean;
  readonly advice: string;
  readonly retryAfterMs?: number;
  readonly faults?: readonly string[];
  readonly token?: string;
  /** `conflict`: where the entity is by now. */
  readonly version?: number;
}

/** The service answered that it can't or won't. `problem.code` is for programs to decide on. */
export class ServiceProblem extends Error {
  override readonly name = 'ServiceProblem';
  readonly problem: Problem;

  constructor(operation: string, problem: Problem) {
    const faults = problem.faults ? ` ${problem.faults.join('; ')}.` : '';
    super(`${operation}: ${problem.detail}${faults} ${problem.advice}`);
    this.problem = problem;
  }
}

/**
 * The service gave no usable answer before the deadline. What was asked for may have happened; asking
 * again is safe. No effect may run on the strength of it.
 */
export class ServiceAway extends Error {
  override readonly name = 'ServiceAway';
  readonly code = 'service_away';
}

export function isProblem(value: unknown): value is Problem {
  return (
    typeof value === 'object' &&
    value !== null &&
    'code' in value &&
    typeof value.code === 'string' &&
    'retryable' in value &&
    typeof value.retryable === 'boolean'
  );
}
