import { z } from 'zod';
import type { Paint, Style } from './paint.ts';

/** One line of the functions' log, as far as a reader of decisions needs it. */
const entrySchema = z.looseObject({
  severity: z.string(),
  message: z.string(),
  time: z.string().optional(),
  decision: z
    .looseObject({
      outcome: z.string(),
      action: z.string(),
      attempt: z.number(),
      milliseconds: z.number(),
      token: z.string(),
      messageId: z.string().optional(),
      drift: z.boolean().optional(),
      error: z.object({ code: z.string(), message: z.string() }).optional(),
    })
    .optional(),
});

export type LogEntry = z.infer<typeof entrySchema>;

/** `undefined` for a line that is not one of ours, such as a framework's greeting. */
export function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return entrySchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

export interface EntryFilter {
  readonly outcomes: readonly string[];
  readonly actions: readonly string[];
  /** Hashed, as logs show it. */
  readonly token: string | undefined;
}

/** With any filter set, only decisions can match. */
export function matches(
  { decision }: LogEntry,
  { outcomes, actions, token }: EntryFilter,
): boolean {
  if (outcomes.length === 0 && actions.length === 0 && token === undefined) return true;
  if (!decision) return false;
  return (
    (outcomes.length === 0 || outcomes.includes(decision.outcome)) &&
    (actions.length === 0 || actions.includes(decision.action)) &&
    (token === undefined || token === decision.token)
  );
}

const COLOURS: Readonly<Record<string, Style>> = {
  DEBUG: 'gray',
  INFO: 'green',
  NOTICE: 'cyan',
  WARNING: 'yellow',
  ERROR: 'red',
  CRITICAL: 'red',
};

/** `03:04:05.678  completed  payments.charge  attempt 1  12.3 ms  h1_…` */
export function shownEntry({ severity, message, time, decision }: LogEntry, paint: Paint): string {
  const clock = (time ?? '').slice(11, 23).padEnd(12);
  const colour = COLOURS[severity] ?? 'white';
  if (!decision) {
    return `${clock}  ${paint(colour, severity.toLowerCase().padEnd(19))}  ${message}`;
  }
  const { outcome, action, attempt, milliseconds, token, drift, error } = decision;
  const parts = [
    clock,
    paint(colour, outcome.padEnd(19)),
    action.padEnd(20),
    attempt > 0 ? `attempt ${attempt}` : 'no attempt',
    `${milliseconds} ms`,
    paint('gray', token),
    ...(drift ? ['other context'] : []),
    ...(error ? [`${error.code}: ${error.message}`] : []),
  ];
  return parts.join('  ');
}
