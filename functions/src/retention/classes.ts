const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The longest that Pub/Sub lets a topic or a subscription retain a message. */
const MESSAGE_RETENTION_MAX_MS = 31 * DAY_MS;

/**
 * The least time that a stub outlives its record, and the age from which a task is refused where nothing
 * stands under its token: one for all classes, so that no deploy can make a task welcome again whose
 * operation was forgotten by an earlier class. A task can be retained by its topic for 31 days, then as long
 * by the dead-letter topic, and four weeks are for the person who replays it.
 */
export const FORGET_AFTER_MS = 2 * MESSAGE_RETENTION_MAX_MS + 28 * DAY_MS;

const LONGEST_MS = 100 * 365 * DAY_MS;

/** How long operations of one kind are kept, all counted in milliseconds. */
export interface RetentionClass {
  readonly name: string;
  /** From completion until the record may move to cold storage. */
  readonly ttlMs: number;
  /** From completion to the latest expiry that sliding extension can reach. Equal to the TTL: no sliding. */
  readonly capMs: number;
  /** From expiry until the stub is forgotten, and with it that the operation ever ran: 90 days at least. */
  readonly forgetMs: number;
}

/**
 * The caps bound what a caller that never stops asking can cost: an API call asked about all day stays
 * for that day (24 TTLs), a workflow for a week (7), a financial record for a second month (2).
 */
export const RETENTION_CLASSES = [
  { name: 'api', ttlMs: HOUR_MS, capMs: 24 * HOUR_MS, forgetMs: FORGET_AFTER_MS },
  { name: 'workflow', ttlMs: DAY_MS, capMs: 7 * DAY_MS, forgetMs: FORGET_AFTER_MS },
  { name: 'financial', ttlMs: 30 * DAY_MS, capMs: 60 * DAY_MS, forgetMs: FORGET_AFTER_MS },
] as const satisfies readonly RetentionClass[];

/** A retention class is unknown, or defined wrongly: a fault of configuration, found at start. */
export class RetentionError extends Error {
  override readonly name = 'RetentionError';
}

/**
 * A class of your own. `capMs` is the TTL unless given (no sliding), `forgetMs` 90 days.
 *
 * @throws {RetentionError} naming every fault at once
 */
export function defineRetention(
  name: string,
  times: { readonly ttlMs: number; readonly capMs?: number; readonly forgetMs?: number },
): RetentionClass {
  const { ttlMs, capMs = ttlMs, forgetMs = FORGET_AFTER_MS } = times;
  const faults: string[] = [];
  const ttlHolds = isDuration(ttlMs, 1);
  if (!/^[a-z][a-z0-9-]{0,62}$/.test(name)) {
    faults.push(
      'its name must be lower-case letters, digits and dashes, from a letter, at most 63',
    );
  }
  if (RETENTION_CLASSES.some((builtIn) => builtIn.name === name)) {
    faults.push('a built-in class has this name; choose another');
  }
  if (!ttlHolds) faults.push(`ttlMs must be from 1 to ${LONGEST_MS}, not ${ttlMs}`);
  if (times.capMs !== undefined && !isDuration(capMs, ttlHolds ? ttlMs : 1)) {
    faults.push(`capMs must be from ttlMs to ${LONGEST_MS}, not ${capMs}`);
  }
  if (!isDuration(forgetMs, FORGET_AFTER_MS)) {
    faults.push(
      `forgetMs must be from ${FORGET_AFTER_MS} (90 days, the latest replay) to ${LONGEST_MS}, not ${forgetMs}`,
    );
  }
  if (faults.length > 0) {
    throw new RetentionError(`Retention class ${JSON.stringify(name)}: ${faults.join('; ')}.`);
  }
  return { name, ttlMs, capMs, forgetMs };
}

/** @throws {RetentionError} naming the classes there are, where none has this name */
export function resolveRetention(
  name: string,
  userDefined: readonly RetentionClass[] = [],
): RetentionClass {
  const known: readonly RetentionClass[] = [...RETENTION_CLASSES, ...userDefined];
  const found = known.find((candidate) => candidate.name === name);
  if (found !== undefined) return found;
  throw new RetentionError(
    `There is no retention class ${JSON.stringify(name)}. ` +
      `Use one of ${known.map((candidate) => candidate.name).join(', ')}, or define it.`,
  );
}

function isDuration(value: number, fromMs: number): boolean {
  return Number.isSafeInteger(value) && value >= fromMs && value <= LONGEST_MS;
}
