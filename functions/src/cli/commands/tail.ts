import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { PUBSUB_ANSWERS } from '../../operation/outcome.ts';
import { shownToken } from '../../token/token.ts';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import type { Terminal } from '../context.ts';
import { matches, parseEntry, shownEntry } from '../log-entry.ts';
import { fileLines, streamLines } from '../log-lines.ts';

interface Options {
  readonly outcome: readonly string[];
  readonly action: readonly string[];
  readonly token?: Token;
  readonly follow: boolean;
}

export function tailCommand(terminal: Terminal, wantsJson: () => boolean): Command {
  return new Command('tail')
    .summary('follow the decisions in a log')
    .description(
      'Reads the JSON lines that the functions log, and follows them. Needs no store. ' +
        'With --json, prints the matching lines as they are.',
    )
    .argument('<FILE>', 'the log, or - for standard input')
    .addOption(
      new Option('--outcome <OUTCOME...>', 'only decisions with one of these outcomes')
        .choices(Object.keys(PUBSUB_ANSWERS))
        .default([], 'all'),
    )
    .addOption(
      new Option('--action <ACTION...>', 'only decisions about these actions').default([], 'all'),
    )
    .option(
      '--token <TOKEN>',
      'only decisions about this token; logs show it hashed',
      tokenArgument,
    )
    .option('--no-follow', 'stop at the end of the file')
    .action((file: string, options: Options) => tail(terminal, file, options, wantsJson()));
}

async function tail(
  terminal: Terminal,
  file: string,
  { outcome, action, token, follow }: Options,
  json: boolean,
): Promise<void> {
  const filter = {
    outcomes: outcome,
    actions: action,
    token: token === undefined ? undefined : shownToken(token),
  };
  const lines =
    file === '-'
      ? streamLines(terminal.input, terminal.signal)
      : fileLines(resolve(terminal.folder, file), { follow, signal: terminal.signal });
  for await (const line of lines) {
    const entry = parseEntry(line);
    if (entry && matches(entry, filter)) {
      terminal.out(`${json ? line : shownEntry(entry, terminal.paint)}\n`);
    }
  }
}
