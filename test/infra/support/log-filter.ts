/** An entry as Cloud Logging keeps it, fields by their path. */
export type LogEntry = Readonly<Record<string, unknown>>;

const SEVERITIES = ['DEFAULT', 'DEBUG', 'INFO', 'NOTICE', 'WARNING', 'ERROR', 'CRITICAL'];
/** Fields of a structured line that Cloud Logging takes out of it. */
const SPECIAL = new Set(['severity', 'time', 'logging.googleapis.com/trace']);

/**
 * What becomes of a line on standard output of a Cloud Run service
 * (https://cloud.google.com/logging/docs/structured-logging).
 */
export function loggedEntry(line: string, service: string): LogEntry {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const payload = Object.fromEntries(Object.entries(fields).filter(([name]) => !SPECIAL.has(name)));
  const onlyMessage = Object.keys(payload).join() === 'message';
  return {
    severity: fields['severity'],
    timestamp: fields['time'],
    resource: { type: 'cloud_run_revision', labels: { service_name: service } },
    ...(onlyMessage ? { textPayload: payload['message'] } : { jsonPayload: payload }),
  };
}

/** The value of a field like `jsonPayload.decision.outcome`; `undefined` where the entry lacks it. */
export function fieldOf(entry: LogEntry, path: string): unknown {
  let found: unknown = entry;
  for (const name of path.split('.')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** What `EXTRACT(field)` gives a metric. */
export function extracted(entry: LogEntry, extractor: string): unknown {
  const [, path] = /^EXTRACT\(([\w.]+)\)$/.exec(extractor) ?? [];
  if (path === undefined) throw new SyntaxError(`${extractor} is no extractor that is known here.`);
  return fieldOf(entry, path);
}

type Matches = (entry: LogEntry) => boolean;

const TOKENS = /\s*("(?:[^"\\]|\\.)*"|\(|\)|>=|<=|!=|[=<>:]|[^\s()=<>!:"]+)/gy;

/**
 * The part of the logging query language that the metrics use: AND, OR, NOT, parentheses, comparisons, and
 * a list of values in parentheses (https://cloud.google.com/logging/docs/view/logging-query-language).
 * Anything else is an error, so that no filter is half understood.
 */
export function parseFilter(filter: string): Matches {
  const tokens = [...filter.matchAll(TOKENS)].map(([, token = '']) => token);
  if (tokens.join('') !== filter.replaceAll(/\s+(?=(?:[^"]*"[^"]*")*[^"]*$)/g, '')) {
    throw new SyntaxError(`Not understood: ${filter}`);
  }
  let at = 0;
  const taken = (expected: string): boolean => {
    if (tokens[at] !== expected) return false;
    at += 1;
    return true;
  };
  const next = (): string => {
    const token = tokens[at];
    if (token === undefined) throw new SyntaxError(`Ends too early: ${filter}`);
    at += 1;
    return token;
  };
  const close = (): void => {
    if (!taken(')')) throw new SyntaxError(`A parenthesis is open: ${filter}`);
  };

  const every = (): Matches => {
    const parts = [some()];
    while (taken('AND')) parts.push(some());
    return (entry) => parts.every((part) => part(entry));
  };
  /** Binds tighter than AND, as Cloud Logging has it. */
  const some = (): Matches => {
    const parts = [one()];
    while (taken('OR')) parts.push(one());
    return (entry) => parts.some((part) => part(entry));
  };
  const one = (): Matches => {
    if (taken('NOT')) {
      const not = one();
      return (entry) => !not(entry);
    }
    if (!taken('(')) return comparison();
    const inside = every();
    close();
    return inside;
  };
  const comparison = (): Matches => {
    const [path, operator] = [next(), next()];
    if (!taken('(')) {
      const value = unquoted(next());
      return (entry) => compared(path, fieldOf(entry, path), operator, value);
    }
    const values = [unquoted(next())];
    while (taken('OR')) values.push(unquoted(next()));
    close();
    return (entry) => values.some((value) => compared(path, fieldOf(entry, path), operator, value));
  };

  const matches = every();
  if (at < tokens.length) throw new SyntaxError(`Not understood from ${tokens[at]}: ${filter}`);
  return matches;
}

const unquoted = (token: string): string =>
  token.startsWith('"') ? (JSON.parse(token) as string) : token;

/** Only scalars are compared; what is an object is there, and no more. */
function textOf(found: unknown): string {
  switch (typeof found) {
    case 'string':
      return found.toLowerCase();
    case 'number':
    case 'boolean':
      return String(found);
    default:
      return '';
  }
}

/** A comparison with a field that is not there is false, whatever the operator. */
function compared(path: string, found: unknown, operator: string, wanted: string): boolean {
  if (found === undefined) return false;
  if (operator === ':') {
    return wanted === '*' || textOf(found).includes(wanted.toLowerCase());
  }
  const [left, right] =
    path === 'severity'
      ? [SEVERITIES.indexOf(textOf(found).toUpperCase()), SEVERITIES.indexOf(wanted)]
      : typeof found === 'number'
        ? [found, Number(wanted)]
        : [textOf(found), wanted.toLowerCase()];
  switch (operator) {
    case '=':
      return left === right;
    case '!=':
      return left !== right;
    case '>':
      return left > right;
    case '>=':
      return left >= right;
    case '<':
      return left < right;
    case '<=':
      return left <= right;
    default:
      throw new SyntaxError(`${operator} is no operator that is known here.`);
  }
}
