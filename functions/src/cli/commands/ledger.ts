import { Command } from 'commander';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import type { Answer } from '../context.ts';
import { shownStatus } from '../describe.ts';
import { Failure } from '../failure.ts';
import { viewJson } from '../operation-view.ts';
import type { OperationView } from '../operation-view.ts';
import type { OperationsContext, RunOperations } from '../operations.ts';
import { table } from '../table.ts';
import { moment } from '../times.ts';

export function ledgerCommand(run: RunOperations): Command {
  return new Command('ledger')
    .summary('every operation of a workflow, in its order')
    .description('Lists every operation under a root token, in logical-time order.')
    .argument('<ROOT>', 'the token of the workflow’s first operation', tokenArgument)
    .action((root: Token) => run((context) => ledger(context, root)));
}

async function ledger(context: OperationsContext, root: Token): Promise<Answer> {
  const { operations, terminal } = context;
  const views = await operations.ledger(root);
  if (views.length === 0) throw await nothingUnder(context, root);
  const text = table<OperationView>(
    views,
    [
      { title: 'TIME', cell: ({ seen }) => String(seen.logicalTime), align: 'right' },
      { title: 'ACTION', cell: ({ seen }) => seen.action },
      { title: 'STATUS', cell: ({ seen }) => shownStatus(seen.standing, terminal.paint) },
      { title: 'ATTEMPTS', cell: ({ seen }) => String(seen.attempt), align: 'right' },
      { title: 'LAST WRITTEN', cell: ({ seen }) => moment(seen.updatedAt) },
      { title: 'TOKEN', cell: ({ seen }) => seen.token },
    ],
    terminal.paint,
  );
  return { kind: 'list', json: views.map(viewJson), text };
}

async function nothingUnder(
  { operations, invocation }: OperationsContext,
  root: Token,
): Promise<Failure> {
  const view = await operations.look(root);
  const message = `No operations under root ${root} in ${operations.place}.`;
  if (!view) return new Failure('notFound', message, { advice: operations.elsewhere });
  return new Failure('notFound', `${message} That token is an operation of another root.`, {
    advice: `Ask for its root: ${invocation} ledger ${view.seen.root}`,
  });
}
