import { Command, InvalidArgumentError, Option } from 'commander';
import { eachDeadLetter, replayDeadLetters } from '../../engine/dead-letters.ts';
import type { ReplayReport } from '../../engine/dead-letters.ts';
import { recordedError } from '../../operation/errors.ts';
import type { WhyDead } from '../../ports/dead-letters.ts';
import type { Answer, Context, Run } from '../context.ts';
import { letterJson, letterView } from '../dead-letter-view.ts';
import type { LetterView } from '../dead-letter-view.ts';
import { table } from '../table.ts';
import { age } from '../times.ts';

const REASONS: readonly WhyDead[] = ['undelivered', 'invalid', 'mismatch', 'expired'];

interface ReplayFlags {
  readonly reason: readonly WhyDead[];
  readonly limit?: number;
  readonly dryRun?: boolean;
}

export function deadLettersCommand(run: Run): Command {
  const replay = new Command('replay')
    .summary('publish dead letters again')
    .description(
      'Publishes the messages of dead letters to the queue of tasks again, as they were, and forgets each ' +
        'dead letter once its message is durable there. Without --reason only those that nobody ' +
        'refused. Safe to break off and to run twice.',
    )
    .addOption(
      new Option('--reason <CODE...>', 'only those that are dead for one of these reasons')
        .choices(REASONS)
        .default(['undelivered']),
    )
    .option('--limit <N>', 'publish no more than so many', countArgument)
    .option('--dry-run', 'count only: nothing is published')
    .action((flags: ReplayFlags) => run((context) => replayAll(context, flags)));
  return new Command('dead-letters')
    .summary('the messages that were never run; `replay` publishes them again')
    .description('Lists the messages that were never run, oldest first, and why. All of them stay.')
    .action(() => run(list))
    .addCommand(replay);
}

async function list(context: Context): Promise<Answer> {
  const { runtime, namespace, terminal, invocation } = context;
  const letters = await context.deadLetters();
  const views: LetterView[] = [];
  try {
    const show = (letter: Parameters<typeof letterView>[0]): void =>
      void views.push(letterView(letter, namespace));
    await eachDeadLetter(letters, show, terminal.signal);
  } finally {
    await letters.close();
  }
  const inOrder = views.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0));
  const now = runtime.clock.now();
  const shown = table<LetterView>(
    inOrder,
    [
      { title: 'SINCE', cell: ({ at }) => (at === undefined ? '' : age(at, now)) },
      { title: 'ACTION', cell: ({ action = '' }) => action },
      { title: 'REASON', cell: ({ reason }) => reason },
      { title: 'TOKEN', cell: ({ token = '' }) => token },
      { title: 'FAULTS', cell: ({ faults }) => harmless(faults.join('; ')) },
    ],
    terminal.paint,
  );
  const advice =
    `Those that are undelivered can be published again: ${invocation} dead-letters replay\n` +
    'The others were refused, and would be refused again unless what was wrong is mended: --reason CODE';
  const text = views.length === 0 ? 'There are no dead letters.' : `${shown}\n\n${advice}`;
  return { kind: 'list', json: inOrder.map(letterJson), text };
}

async function replayAll(
  context: Context,
  { reason, limit = Infinity, dryRun = false }: ReplayFlags,
): Promise<Answer> {
  const { terminal, invocation } = context;
  const { signal } = terminal;
  const letters = await context.deadLetters();
  try {
    const { failure, ...report } = await replayDeadLetters(letters, {
      reasons: reason,
      limit,
      dryRun,
      signal,
      progress: ({ replayed }) => terminal.progress?.(`${replayed} published again`),
    });
    terminal.progress?.('');
    const { failed } = report;
    if (failed > 0) terminal.err(`Not published again: ${recordedError(failure).message}\n`);
    const again = failed > 0 || signal.aborted;
    const advice = again ? `\nRun it again: ${invocation} dead-letters replay` : '';
    return {
      kind: 'value',
      json: { dryRun, interrupted: signal.aborted, ...report },
      text: summary(report, dryRun) + advice,
      exit: again ? 'failed' : 'ok',
    };
  } finally {
    await letters.close();
  }
}

function summary({ replayed, kept, failed }: ReplayReport, dryRun: boolean): string {
  const did = dryRun ? 'Would publish again' : 'Published again';
  const stay = Object.entries(kept).map(([why, count]) => `${count} ${why}`);
  return [
    `${did}: ${replayed}.`,
    ...(stay.length > 0 ? [`Kept: ${stay.join(', ')}.`] : []),
    ...(failed > 0 ? [`Failed: ${failed}.`] : []),
  ].join(' ');
}

/** Whoever publishes chooses a message's attributes: none of them may speak to a terminal. */
function harmless(text: string): string {
  return text.replaceAll(/\p{Cc}+/gu, ' ');
}

function countArgument(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It is a whole number from 1.');
}
