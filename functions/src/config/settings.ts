import { z } from 'zod';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Whose values no message shows. */
const SECRETS: ReadonlySet<string> = new Set([
  'AGENT_ONCE_API_DEVELOPMENT_TOKEN',
  'AGENT_ONCE_API_HANDLE_KEY',
]);

export function read<Schema extends z.ZodType>(
  schema: Schema,
  given: Environment,
  faults: string[],
): z.output<Schema> | undefined {
  const { data, error } = schema.safeParse(given);
  for (const { path, message } of error?.issues ?? []) {
    const name = String(path[0]);
    faults.push(fault(name, given[name], message));
  }
  return data;
}

export function fault(name: string, value: string | undefined, expected: string): string {
  if (value === undefined) return `${name} is missing. It should be ${expected}.`;
  if (SECRETS.has(name)) return `${name} is set, but not usable. It should be ${expected}.`;
  const shown = value.length <= 80 ? value : `${value.slice(0, 80)}…`;
  return `${name} is ${JSON.stringify(shown)}. It should be ${expected}.`;
}

export function text(pattern: RegExp, expected: string): z.ZodString {
  return z.string(expected).regex(pattern, expected);
}

export function whole(least: number, most: number, expected: string) {
  return z
    .string(expected)
    .regex(/^\d{1,6}$/, expected)
    .transform(Number)
    .pipe(z.int(expected).min(least, expected).max(most, expected));
}

export function topic(expected: string): z.ZodString {
  return text(
    /^(?:projects\/[^/]+\/topics\/)?[A-Za-z][\w.~+%-]{2,254}$/,
    `${expected}, 3 to 255 characters`,
  );
}
