import type { Command } from 'commander';

/** Who intervenes and why: recorded with the operation, under the next fence. */
export interface Signature {
  readonly actor: string;
  readonly reason: string;
}

export function signed(command: Command): Command {
  return command
    .requiredOption('--actor <WHO>', 'who does this; recorded')
    .requiredOption('--reason <WHY>', 'why; recorded');
}

/** Where the service verifies who calls, nobody has to say so; a store is told. */
export function signedOrVerified(command: Command): Command {
  return command
    .option('--actor <WHO>', 'who does this; recorded. The service records its verified caller')
    .requiredOption('--reason <WHY>', 'why; recorded');
}
