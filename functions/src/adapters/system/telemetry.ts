import type { Decision, DecisionOutcome, Severity, Telemetry } from '../../ports/telemetry.ts';

const SEVERITIES: Readonly<Record<DecisionOutcome, Severity>> = {
  claimed: 'INFO',
  held: 'INFO',
  free: 'INFO',
  completed: 'INFO',
  replayed: 'INFO',
  cancelled: 'INFO',
  in_flight_here: 'INFO',
  in_flight_elsewhere: 'INFO',
  claim_lost: 'WARNING',
  in_doubt: 'ERROR',
  mismatch: 'ERROR',
  expired: 'ERROR',
  invalid: 'ERROR',
  retryable_error: 'WARNING',
  terminal_error: 'WARNING',
  store_away: 'ERROR',
};

export interface JsonLinesOptions {
  readonly write?: (line: string) => void;
  readonly now?: () => number;
  /** Prefixes trace ids, so that Cloud Logging links a line to its trace. */
  readonly project?: string;
}

/**
 * One JSON object a line, in the form that Cloud Logging takes from standard output:
 * `severity`, `message`, `time` and `logging.googleapis.com/trace` are its special fields.
 */
export function jsonLinesTelemetry({
  write = (line) => void process.stdout.write(line),
  now = Date.now,
  project,
}: JsonLinesOptions = {}): Telemetry {
  function line(
    severity: Severity,
    message: string,
    fields: Readonly<Record<string, unknown>>,
  ): void {
    const time = new Date(now()).toISOString();
    write(`${textOf({ severity, message, time, ...fields })}\n`);
  }

  return {
    decision({ trace, ...decision }) {
      line(SEVERITIES[decision.outcome], sentence(decision), {
        decision: rounded(decision),
        ...traceField(trace, project),
      });
    },
    event(severity, message, fields = {}) {
      line(severity, message, fields);
    },
  };
}

/** Never throws: a line that can't be written whole must not cost the work that it tells of. */
function textOf(line: Readonly<Record<string, unknown>>): string {
  try {
    return JSON.stringify(line, (_name, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
  } catch (error) {
    const { severity, message, time } = line;
    return JSON.stringify({ severity, message, time, unprintable: String(error) });
  }
}

function sentence({ action, outcome, error }: Omit<Decision, 'trace'>): string {
  return error
    ? `${action}: ${outcome} (${error.code}: ${error.message})`
    : `${action}: ${outcome}`;
}

function rounded(decision: Omit<Decision, 'trace'>): Omit<Decision, 'trace'> {
  const { milliseconds, checkMilliseconds } = decision;
  return {
    ...decision,
    milliseconds: Math.round(milliseconds * 10) / 10,
    checkMilliseconds: Math.round(checkMilliseconds * 10) / 10,
  };
}

function traceField(
  traceparent: string | undefined,
  project: string | undefined,
): Record<string, string> {
  const traceId = traceparent?.split('-')[1];
  if (traceId === undefined) return {};
  const trace = project === undefined ? traceId : `projects/${project}/traces/${traceId}`;
  return { 'logging.googleapis.com/trace': trace };
}
