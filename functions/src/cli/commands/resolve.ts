import { Command } from 'commander';
import type { Token } from '../../token/token.ts';
import { jsonArgument, tokenArgument } from '../arguments.ts';
import type { Answer } from '../context.ts';
import { Failure } from '../failure.ts';
import type { OperationsContext, RunOperations, Signature, Wanted } from '../operations.ts';
import { shownView } from './show.ts';
import { signedOrVerified } from './signature.ts';

interface Verdict extends Signature {
  readonly done?: string;
  readonly notDone?: true;
}

export function resolveCommand(run: RunOperations): Command {
  const command = new Command('resolve')
    .summary('say what became of an operation in doubt')
    .description(
      'Says what became of an operation in doubt, and publishes its task again so that the workflow goes on. ' +
        'Running it again is safe, also after a crash.',
    )
    .argument('<TOKEN>', 'the operation’s token', tokenArgument)
    .option('--done <RESULT-JSON>', 'its effect happened, and this is the result')
    .option('--not-done', 'its effect did not happen and never will: run it again');
  return signedOrVerified(command).action((token: Token, verdict: Verdict) =>
    run((context) => resolve(context, token, verdict)),
  );
}

async function resolve(
  context: OperationsContext,
  token: Token,
  { done, notDone, ...signature }: Verdict,
): Promise<Answer> {
  if ((done === undefined) === (notDone === undefined)) {
    throw new Failure('usage', 'Say either --done RESULT-JSON or --not-done.');
  }
  const { operations, terminal } = context;
  const wanted: Wanted =
    done === undefined
      ? { verb: 'resolve_not_done' }
      : { verb: 'resolve_done', result: await jsonArgument('The result', done, terminal) };
  return shownView(await operations.intervene(token, wanted, signature), terminal.paint);
}
