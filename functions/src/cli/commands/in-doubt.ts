import { Command } from 'commander';
import type { StoredOperation } from '../../operation/record.ts';
import type { Answer, Context, Run } from '../context.ts';
import { viewJson, viewOperation } from '../operation-view.ts';
import { table } from '../table.ts';
import { age } from '../times.ts';
import { everyOperation } from './listing.ts';

export function inDoubtCommand(run: Run): Command {
  return new Command('in-doubt')
    .summary('the operations that wait for a person')
    .description('Lists the operations whose effect may or may not have happened, oldest first.')
    .action(() => run(inDoubt));
}

async function inDoubt(context: Context): Promise<Answer> {
  const { runtime, namespace, invocation, terminal } = context;
  const { store } = runtime;
  const found = await everyOperation((page) => store.byStatus(namespace, 'in_doubt', page));
  const oldestFirst = found.toSorted((a, b) => a.updatedAt - b.updatedAt);
  const now = store.now();
  const views = await Promise.all(
    oldestFirst.map((operation) => viewOperation(operation, runtime, now, invocation)),
  );
  const list = table<StoredOperation>(
    oldestFirst,
    [
      { title: 'TOKEN', cell: ({ record }) => record.token },
      { title: 'ACTION', cell: ({ record }) => record.action },
      { title: 'SINCE', cell: ({ updatedAt }) => age(updatedAt, now) },
      { title: 'ATTEMPTS', cell: ({ record }) => String(record.attempt), align: 'right' },
      { title: 'WHY', cell: ({ record }) => ('error' in record ? (record.error?.code ?? '') : '') },
    ],
    terminal.paint,
  );
  const advice = `Look at one, with the commands that resolve it: ${invocation} show TOKEN`;
  const text = found.length === 0 ? 'Nothing is in doubt.' : `${list}\n\n${advice}`;
  return { kind: 'list', json: views.map(viewJson), text };
}
