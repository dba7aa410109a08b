import { Command } from 'commander';
import type { StoredOperation } from '../../operation/record.ts';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import type { Answer, Context } from '../context.ts';
import { describe } from '../describe.ts';
import { Failure } from '../failure.ts';
import { viewJson } from '../operation-view.ts';
import type { OperationView } from '../operation-view.ts';
import type { OperationsContext, RunOperations } from '../operations.ts';
import type { Paint } from '../paint.ts';
import { viewOperation } from '../store-view.ts';

export function showCommand(run: RunOperations): Command {
  return new Command('show')
    .summary('one operation: what happened, who holds it, what runs next')
    .description(
      'Shows one operation: what happened, who holds it, what runs next, and the command that changes that.',
    )
    .argument('<TOKEN>', 'the operation’s token', tokenArgument)
    .action((token: Token) => run((context) => show(context, token)));
}

async function show({ operations, terminal }: OperationsContext, token: Token): Promise<Answer> {
  const view = await operations.look(token);
  if (view) return shownView(view, terminal.paint);
  const message = `No operation ${token} in ${operations.place}.`;
  throw new Failure('notFound', message, { advice: operations.elsewhere });
}

/** An operation as `show` prints it. */
export function shownView(view: OperationView, paint: Paint): Answer {
  return { kind: 'value', json: viewJson(view), text: describe(view, paint) };
}

/** {@link shownView} of a stored operation. */
export async function shown(context: Context, found: StoredOperation): Promise<Answer> {
  const { runtime, invocation, terminal } = context;
  const view = await viewOperation(found, runtime, runtime.store.now(), invocation);
  return shownView(view, terminal.paint);
}

export function absent({ namespace, runtime }: Context, token: Token): Failure {
  return new Failure(
    'notFound',
    `No operation ${token} in namespace "${namespace}" of the ${runtime.store.name} store.`,
    { advice: 'It was never claimed, is forgotten, or belongs to another --namespace or --store.' },
  );
}
