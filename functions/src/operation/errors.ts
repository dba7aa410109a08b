/** An error as it is recorded and answered: plain data, the same on replay. */
export interface RecordedError {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
}

/**
 * The step can never succeed with these params. Recorded and replayed; never retried.
 *
 * After `start`, a `reconcilable` or `once` step that throws this still leaves its effect unknown:
 * throw {@link NotDone} with `final: true` to say that nothing happened and nothing will.
 */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The step may succeed later. The token is released until `retryAfterMs` (or a backoff) has passed. */
export class RetryableError extends Error {
  override readonly name = 'RetryableError';
  readonly code: string;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * The effect did not happen and will not: the provider refused it, or was never reached.
 * The only error after `start` that leaves no question. Retried unless `final`.
 */
export class NotDone extends Error {
  override readonly name = 'NotDone';
  readonly code: string;
  readonly retryAfterMs: number | undefined;
  readonly final: boolean;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { retryAfterMs?: number; final?: boolean } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
    this.final = options.final ?? false;
  }
}

/** The lease ended, or someone else took the token. Nothing may be sent or recorded any more. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
  readonly code = 'lease_lost';
}

/** The step ran longer than its `timeoutMs`. */
export class StepTimeout extends Error {
  override readonly name = 'StepTimeout';
  readonly code = 'step_timeout';
}

/**
 * The token store gave no usable answer in time. For a write this means *unknown*, not *failed*.
 * No effect may run on the strength of it.
 */
export class StoreAway extends Error {
  override readonly name = 'StoreAway';
  readonly code = 'store_away';
}

const MAX_MESSAGE = 2_000;

/** Plain data for any thrown value. Stacks and causes stay out: they may carry secrets. */
export function recordedError(thrown: unknown): RecordedError {
  if (thrown instanceof TerminalError) return described(thrown, false);
  if (thrown instanceof NotDone) return described(thrown, !thrown.final);
  if (thrown instanceof RetryableError) return described(thrown, true);
  if (thrown instanceof Error) {
    return {
      code: codeOf(thrown) ?? 'unexpected',
      message: short(thrown.message),
      retryable: true,
    };
  }
  return { code: 'unexpected', message: short(thrown), retryable: true };
}

function described(
  error: { code: string; message: string; retryAfterMs?: number | undefined },
  retryable: boolean,
): RecordedError {
  const { code, message, retryAfterMs } = error;
  const base = { code, message: short(message), retryable };
  return retryable && isWait(retryAfterMs) ? { ...base, retryAfterMs } : base;
}

/** A wait that was computed from an unreadable header is none. */
function isWait(ms: number | undefined): ms is number {
  return ms !== undefined && Number.isFinite(ms) && ms >= 0;
}

function codeOf(error: Error): string | undefined {
  const code: unknown = 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code !== '' ? code : undefined;
}

function short(message: unknown): string {
  const text = textOf(message);
  const cut = text.length <= MAX_MESSAGE ? text : `${text.slice(0, MAX_MESSAGE)}…`;
  return cut.toWellFormed();
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return 'A value without a text was thrown.';
  }
}
