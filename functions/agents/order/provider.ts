import { NotDone } from 'agent-once';
import { createSandbox, SandboxRefusal } from '../sandbox/client.ts';
import type { Effect, Sandbox } from '../sandbox/client.ts';

/** The provider that the three agents act on, at `SANDBOX_URL`. */
export function provider(): Sandbox {
  const url = process.env['SANDBOX_URL'];
  if (url === undefined) {
    throw new NotDone('no_provider', 'SANDBOX_URL is not set: start the sandbox and point to it.');
  }
  return createSandbox(url);
}

/**
 * One call to the provider, its refusals told as what they are: nothing was done. A 429 may be tried
 * again, any other 4xx never; a connection that was refused carried nothing. Whatever else goes wrong
 * (a timeout, a reset, a 5xx) says nothing about the effect and is passed on as it is.
 */
export async function asking<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof SandboxRefusal) throw refusal(error);
    if (connectionRefused(error)) {
      throw new NotDone('provider_down', 'The provider refused the connection.', { cause: error });
    }
    throw error;
  }
}

/**
 * A call under a tracking id. That the id is used already means that this very effect was made, by an
 * attempt whose answer was lost: the refusal names it.
 */
export async function tracked(call: () => Promise<{ readonly effect: Effect }>): Promise<Effect> {
  return asking(async () => {
    try {
      return (await call()).effect;
    } catch (error) {
      const made = error instanceof SandboxRefusal && error.code === 'tracking_id_used';
      if (made && error.effect) return error.effect;
      throw error;
    }
  });
}

function refusal(error: SandboxRefusal): NotDone {
  const { code, message, status, retryAfterSeconds } = error;
  if (status !== 429) return new NotDone(code, message, { final: true, cause: error });
  return new NotDone(code, message, {
    retryAfterMs: (retryAfterSeconds ?? 1) * 1_000,
    cause: error,
  });
}

function connectionRefused(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}
