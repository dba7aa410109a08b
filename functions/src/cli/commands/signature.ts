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
