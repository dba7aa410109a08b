import { z } from 'zod';
import { refusalSchema } from './contract.ts';
import type { Effect, InputFault } from './contract.ts';

interface RefusalFacts {
  /** The effect that the refused tracking id has made already. */
  effect?: Effect | undefined;
  faults?: InputFault[] | undefined;
  /** From the `Retry-After` of a 429. */
  retryAfterSeconds?: number | undefined;
}

/** The provider refused with a 4xx, and made no effect by this call. */
export class SandboxRefusal extends Error {
  override readonly name = 'SandboxRefusal';
  readonly status: number;
  readonly code: string;
  readonly effect: Effect | undefined;
  readonly faults: InputFault[];
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, code: string, message: string, facts: RefusalFacts = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.effect = facts.effect;
    this.faults = facts.faults ?? [];
    this.retryAfterSeconds = facts.retryAfterSeconds;
  }
}

/** The provider answered with a 5xx. That says nothing about the effect: it may have been made. */
export class SandboxFailure extends Error {
  override readonly name = 'SandboxFailure';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export interface Sending {
  method: 'GET' | 'POST' | 'DELETE';
  body?: unknown;
  idempotencyKey?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Sends once and reads the answer. Throws `SandboxRefusal` on a 4xx and `SandboxFailure` on any other
 * answer that is no success; errors of the network and of the signal come through as they are.
 */
export async function send<T>(
  url: URL,
  { method, body, idempotencyKey, signal }: Sending,
  schema: z.ZodType<T>,
): Promise<{ value: T; headers: Headers }> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (idempotencyKey !== undefined) headers['Idempotency-Key'] = idempotencyKey;
  const response = await fetch(url, {
    method,
    headers,
    redirect: 'error',
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  if (response.ok) return { value: schema.parse(JSON.parse(text)), headers: response.headers };
  throw unsuccessful(response, text);
}

function unsuccessful({ status, headers }: Response, text: string): Error {
  const told = parseRefusal(text);
  const message = `The sandbox answered ${status}: ${told?.message ?? text.slice(0, 200)}`;
  if (status < 400 || status > 499) return new SandboxFailure(status, message);
  const retryAfter = headers.get('retry-after');
  return new SandboxRefusal(status, told?.code ?? 'unknown', message, {
    effect: told?.effect,
    faults: told?.faults,
    retryAfterSeconds: retryAfter === null ? undefined : Number(retryAfter),
  });
}

function parseRefusal(text: string): z.infer<typeof refusalSchema> | undefined {
  try {
    return refusalSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
