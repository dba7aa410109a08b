/** The effect did not happen and will not: the provider refused it, or was never reached. */
export class NotDone extends Error {
  override readonly name = 'NotDone';
  readonly code: string;
  /** Never to be tried again. */
  readonly final: boolean;
  readonly retryAfterMs: number;

  constructor(
    code: string,
    message: string,
    options: ErrorOptions & { readonly final?: boolean; readonly retryAfterMs?: number } = {},
  ) {
    super(message, options);
    this.code = code;
    this.final = options.final ?? false;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** The longest wait that the service takes. */
const LONGEST_WAIT_MS = 86_400_000;

/**
 * What was thrown, where it says that nothing was done: this module's own error, and the one of
 * `agent-once` that `fetchOnce` throws. They are known by their form, since a program may hold either
 * from another copy of the package.
 */
export function asNotDone(
  thrown: unknown,
): { readonly final: boolean; readonly waitMs: number } | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'NotDone') return undefined;
  const { code, final, retryAfterMs } = thrown as Partial<Record<keyof NotDone, unknown>>;
  if (typeof code !== 'string' || typeof final !== 'boolean') return undefined;
  return { final, waitMs: waitOf(retryAfterMs) };
}

/** A wait that was computed from an unreadable header is none. */
function waitOf(ms: unknown): number {
  if (typeof ms !== 'number' || Number.isNaN(ms)) return 0;
  return Math.ceil(Math.min(LONGEST_WAIT_MS, Math.max(0, ms)));
}
