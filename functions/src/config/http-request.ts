import { z } from 'zod';
import { read } from './settings.ts';
import type { Environment } from './settings.ts';

export interface HttpRequestConfig {
  readonly origins: readonly string[];
  readonly effect: 'pure' | 'idempotent' | 'once';
  readonly timeoutMs: number;
}

const HTTP_REQUEST = z.object({
  AGENT_ONCE_HTTP_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .refine(
      (origins) => origins.every(isOrigin),
      'origins that http.request may call, by commas, like https://agents.example.com without a path',
    ),
  AGENT_ONCE_HTTP_EFFECT: z.enum(
    ['pure', 'idempotent', 'once'],
    'what calling those origins twice would mean: pure, idempotent or once',
  ),
});

const HTTP_REQUEST_TIMEOUT_MS = 30_000;

export function readHttpRequest(
  given: Environment,
  faults: string[],
): HttpRequestConfig | undefined {
  if (given['AGENT_ONCE_HTTP_ORIGINS'] === undefined) return undefined;
  const values = read(HTTP_REQUEST, given, faults);
  if (!values) return undefined;
  const { AGENT_ONCE_HTTP_ORIGINS: origins, AGENT_ONCE_HTTP_EFFECT: effect } = values;
  return { origins, effect, timeoutMs: HTTP_REQUEST_TIMEOUT_MS };
}

function isOrigin(origin: string): boolean {
  return /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}
