import type { StoredOperation, TerminalRecord } from '../operation/record.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

/**
 * Best effort, and no longer than a claim may take: a life that isn't lengthened now is at the next look.
 * Answers the operation as it stands after that, as far as is known: what a cache is to remember.
 */
export async function keepLonger(
  { store, telemetry, clock, limits }: Runtime,
  found: StoredOperation<TerminalRecord>,
): Promise<StoredOperation<TerminalRecord>> {
  try {
    return await within(clock, limits.claimAnswerMs, store.slide(found));
  } catch (error) {
    telemetry.event('WARNING', 'A record could not be kept longer', { error: String(error) });
    return found;
  }
}
