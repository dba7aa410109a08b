import { z } from 'zod';

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\u0020-\u007e\u0080-\u00ff]*$/;

/** Headers that belong to the step or to the connection. */
const RESERVED = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'idempotency-key',
  'keep-alive',
  'proxy-authorization',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export type HttpRequestParams = z.output<ReturnType<typeof paramsSchema>>;

/** A URL of another origin than those allowed is a fault of the task, found before anything is claimed. */
export function paramsSchema(allowed: ReadonlySet<string>) {
  return z.object({
    url: z.string().superRefine((text, context) => {
      const problem = problemOf(text, allowed);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
    }),
    method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).default('POST'),
    headers: z
      .record(
        z
          .string()
          .regex(TOKEN, 'must be a header name')
          .refine((name) => !RESERVED.has(name.toLowerCase()), 'is set by the step itself'),
        z.string().regex(VALUE, 'must be a header value: one line, Latin-1'),
      )
      .optional(),
    /** Text is sent as it is, anything else as JSON. */
    body: z.json().optional(),
  });
}

function problemOf(text: string, allowed: ReadonlySet<string>): string | undefined {
  if (!URL.canParse(text)) return 'must be an absolute URL';
  const { username, password, origin } = new URL(text);
  if (username !== '' || password !== '') return 'must not hold credentials: params are recorded';
  if (allowed.has(origin)) return undefined;
  return `${origin} is not an allowed origin; allowed: ${[...allowed].join(', ')}`;
}

/** @throws {RangeError} naming everything that is not exactly an http or https origin */
export function allowedOrigins(origins: readonly string[]): ReadonlySet<string> {
  const wrong = origins.filter((text) => !isOrigin(text));
  if (wrong.length === 0 && origins.length > 0) return new Set(origins);
  const found = wrong.length > 0 ? wrong.join(', ') : 'none';
  throw new RangeError(
    `origins: must be exact origins, like https://agents.example.com without a path, not ${found}.`,
  );
}

function isOrigin(text: string): boolean {
  return /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
