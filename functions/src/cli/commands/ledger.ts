import { Command } from 'commander';
import type { StoredOperation } from '../../operation/record.ts';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import type { Answer, Context, Run } from '../context.ts';
import { shownStatus } from '../describe.ts';
import { Failure } from '../failure.ts';
import { viewJson, viewOperation } from '../operation-view.ts';
import { table } from '../table.ts';
import { moment } from '../times.ts';
import { everyOperation } from './listing.ts';

export function ledgerCommand(run: Run): Command {
  return new Command('ledger')
    .summary('every operation of a workflow, in its order')
    .description('Lists every operation under a root token, in logical-time order.')
    .argument('<ROOT>', 'the token of the workflow’s first operation', tokenArgument)
    .action((root: Token) => run((context) => ledger(context, root)));
}

async function ledger(context: Context, root: Token): Promise<Answer> {
  const { runtime, namespace, invocation, terminal } = context;
  const { store } = runtime;
  const listed = await everyOperation((page) => store.ledger(namespace, root, page));
  const operations = listed.filter(({ record }) => record.root === root);
  if (operations.length === 0) throw await nothingUnder(context, root);
  const now = store.now();
  const views = await Promise.all(
    operations.map((operation) => viewOperation(operation, runtime, now, invocation)),
  );
  const text = table<StoredOperation>(
    operations,
    [
      { title: 'TIME', cell: ({ record }) => String(record.logicalTime), align: 'right' },
      { title: 'ACTION', cell: ({ record }) => record.action },
      { title: 'STATUS', cell: ({ record }) => shownStatus(record, terminal.paint) },
      { title: 'ATTEMPTS', cell: ({ record }) => String(record.attempt), align: 'right' },
      { title: 'LAST WRITTEN', cell: ({ updatedAt }) => moment(updatedAt) },
      { title: 'TOKEN', cell: ({ record }) => record.token },
    ],
    terminal.paint,
  );
  return { kind: 'list', json: views.map(viewJson), text };
}

async function nothingUnder(context: Context, root: Token): Promise<Failure> {
  const { runtime, namespace, invocation } = context;
  const operation = await runtime.store.get(namespace, root);
  const message = `No operations under root ${root} in namespace "${namespace}".`;
  if (!operation) {
    return new Failure('notFound', message, {
      advice: 'It was never claimed, is forgotten, or belongs to another --namespace or --store.',
    });
  }
  return new Failure('notFound', `${message} That token is an operation of another root.`, {
    advice: `Ask for its root: ${invocation} ledger ${operation.record.root}`,
  });
}
