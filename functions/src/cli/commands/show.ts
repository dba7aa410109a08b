import { Command } from 'commander';
import type { StoredOperation } from '../../operation/record.ts';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import type { Answer, Context, Run } from '../context.ts';
import { describe } from '../describe.ts';
import { Failure } from '../failure.ts';
import { viewJson, viewOperation } from '../operation-view.ts';

export function showCommand(run: Run): Command {
  return new Command('show')
    .summary('one operation: what happened, who holds it, what runs next')
    .description(
      'Shows one operation: what happened, who holds it, what runs next, and the command that changes that.',
    )
    .argument('<TOKEN>', 'the operation’s token', tokenArgument)
    .action((token: Token) => run((context) => show(context, token)));
}

async function show(context: Context, token: Token): Promise<Answer> {
  const found = await context.runtime.store.get(context.namespace, token);
  if (!found) throw absent(context, token);
  return shown(context, found);
}

/** An operation as `show` prints it. */
export async function shown(context: Context, found: StoredOperation): Promise<Answer> {
  const { runtime, invocation, terminal } = context;
  const view = await viewOperation(found, runtime, runtime.store.now(), invocation);
  return { kind: 'value', json: viewJson(view), text: describe(view, terminal.paint) };
}

export function absent({ namespace, runtime }: Context, token: Token): Failure {
  return new Failure(
    'notFound',
    `No operation ${token} in namespace "${namespace}" of the ${runtime.store.name} store.`,
    { advice: 'It was never claimed, is forgotten, or belongs to another --namespace or --store.' },
  );
}
