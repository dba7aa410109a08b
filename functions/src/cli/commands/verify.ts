import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { verifyEndpoint } from '../../verify/index.ts';
import type { VerifyOptions } from '../../verify/index.ts';
import { durationArgument, jsonArgument } from '../arguments.ts';
import type { Answer, Terminal } from '../context.ts';
import { Failure } from '../failure.ts';
import { describeReport } from '../verify-view.ts';

interface Flags {
  readonly method: string;
  readonly body: string;
  readonly otherBody?: string;
  readonly header?: Readonly<Record<string, string>>;
  readonly countUrl?: string;
  readonly restartUrl?: string;
  readonly expireUrl?: string;
  readonly wait?: number;
  readonly afterExpiry: 'kept' | 'forgotten';
  readonly concurrency: number;
}

/** Needs no store and no service: the endpoint is asked as its callers ask it. */
export function verifyCommand(terminal: Terminal, print: (answer: Answer) => void): Command {
  return new Command('verify')
    .summary('check an agent’s endpoint for idempotency')
    .description(
      'Runs the integration steps of idempotency against an endpoint that takes Idempotency-Key. Its effects ' +
        'are real: give one that may have them. Ends with 1 where a step fails.',
    )
    .argument('<URL>', 'the endpoint', urlArgument)
    .requiredOption('--body <JSON>', 'parameters that it takes, or - for standard input')
    .option('--other-body <JSON>', 'other ones; by default the body with its first number changed')
    .option('--method <METHOD>', 'how it is asked', 'POST')
    .option('--header <NAME: VALUE>', 'sent with each request; may be repeated', headerArgument)
    .option(
      '--count-url <URL>',
      'answers how many effects there were: a number, or {"count": …}',
      urlArgument,
    )
    .option('--restart-url <URL>', 'a POST to it restarts the endpoint', urlArgument)
    .addOption(
      new Option('--expire-url <URL>', 'a POST to it lets what is recorded expire')
        .argParser(urlArgument)
        .conflicts('wait'),
    )
    .option('--wait <DURATION>', 'how long until what is recorded expires', durationArgument)
    .addOption(
      new Option('--after-expiry <WHAT>', 'what is right then: no second effect, or a new one')
        .choices(['kept', 'forgotten'])
        .default('kept'),
    )
    .option('--concurrency <N>', 'how many requests are sent at once', countArgument, 10)
    .action(async (url: string, flags: Flags) => {
      const report = await verifyEndpoint(await optionsOf(url, flags, terminal));
      const text = describeReport(report, terminal.paint);
      print({ kind: 'value', json: report, text, exit: report.passed ? 'ok' : 'failed' });
    });
}

async function optionsOf(url: string, flags: Flags, terminal: Terminal): Promise<VerifyOptions> {
  const { method, header, afterExpiry, concurrency, countUrl, restartUrl, otherBody } = flags;
  const expire = expiryOf(flags, terminal);
  const json = (what: string, text: string) => jsonArgument(what, text, terminal);
  return {
    url,
    method,
    ...(header && { headers: header }),
    body: await json('The body', flags.body),
    ...(otherBody !== undefined && { otherBody: await json('The other body', otherBody) }),
    ...(countUrl !== undefined && { effects: () => count(countUrl) }),
    ...(restartUrl !== undefined && { restart: () => post(restartUrl) }),
    ...(expire && { expire }),
    afterExpiry,
    concurrency,
  };
}

function expiryOf({ wait, expireUrl }: Flags, terminal: Terminal): VerifyOptions['expire'] {
  if (expireUrl !== undefined) return () => post(expireUrl);
  if (wait === undefined) return undefined;
  return () => delay(wait, undefined, { signal: terminal.signal });
}

async function count(url: string): Promise<number> {
  const told: unknown = await ask(url, 'GET');
  const counted = typeof told === 'object' && told !== null && 'count' in told ? told.count : told;
  if (typeof counted === 'number') return counted;
  throw new Failure('failed', `${url} answered no count: a number, or {"count": …}, is needed.`);
}

async function post(url: string): Promise<void> {
  await ask(url, 'POST');
}

/** What helps the harness has to work: without it nothing can be said of the endpoint. */
async function ask(url: string, method: 'GET' | 'POST'): Promise<unknown> {
  let text: string;
  try {
    const response = await fetch(url, { method });
    text = await response.text();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure('failed', `${method} ${url} failed: ${why}.`, { cause: error });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function urlArgument(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text;
  throw new InvalidArgumentError('A URL begins with http:// or https://.');
}

function headerArgument(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const [, name, value] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new InvalidArgumentError('A header is a name, a colon and a value.');
  }
  return { ...before, [name]: value };
}

function countArgument(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 2 && number <= 1_000) return number;
  throw new InvalidArgumentError('It takes from 2 to 1000 requests at once.');
}
