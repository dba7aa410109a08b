import { text as readText } from 'node:stream/consumers';
import { InvalidArgumentError } from 'commander';
import { CanonicalError, decodeCanonical } from '../token/canonical.ts';
import { parseToken } from '../token/token.ts';
import type { Token } from '../token/token.ts';
import type { Terminal } from './context.ts';
import { Failure } from './failure.ts';
import { parseDuration } from './times.ts';

export function tokenArgument(text: string): Token {
  const token = parseToken(text);
  if (token) return token;
  if (text.startsWith('h1_')) {
    throw new InvalidArgumentError(
      'That is a hashed token from a log. `tail --token` finds by it.',
    );
  }
  throw new InvalidArgumentError('A token is t1_, k1_ or s1_ and 43 characters.');
}

export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined || ms === 0) {
    throw new InvalidArgumentError('A duration is a whole number and a unit: 30s, 90min, 12h, 7d.');
  }
  return ms;
}

/** JSON as an argument, or `-` for standard input. Canonical text's tags (`{"$date":…}`) are understood. */
export async function jsonArgument(
  what: string,
  argument: string,
  { input }: Terminal,
): Promise<unknown> {
  const text = argument === '-' ? await readText(input) : argument;
  try {
    return decodeCanonical(text);
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    throw new Failure('usage', `${what} is not usable: ${error.message}`, {
      advice: `Quote it for the shell, as in '{"orderId":"o-1"}', or give - and pipe it in.`,
      cause: error,
    });
  }
}
