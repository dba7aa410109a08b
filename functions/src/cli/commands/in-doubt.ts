import { Command } from 'commander';
import type { Answer } from '../context.ts';
import { viewJson } from '../operation-view.ts';
import type { OperationView } from '../operation-view.ts';
import type { OperationsContext, RunOperations } from '../operations.ts';
import { table } from '../table.ts';
import { age } from '../times.ts';

export function inDoubtCommand(run: RunOperations): Command {
  return new Command('in-doubt')
    .summary('the operations that wait for a person')
    .description('Lists the operations whose effect may or may not have happened, oldest first.')
    .action(() => run(inDoubt));
}

async function inDoubt({ operations, invocation, terminal }: OperationsContext): Promise<Answer> {
  const found = await operations.inDoubt();
  const views = found.toSorted((a, b) => a.seen.updatedAt - b.seen.updatedAt);
  const list = table<OperationView>(
    views,
    [
      { title: 'TOKEN', cell: ({ seen }) => seen.token },
      { title: 'ACTION', cell: ({ seen }) => seen.action },
      { title: 'SINCE', cell: ({ seen, now }) => age(seen.updatedAt, now) },
      { title: 'ATTEMPTS', cell: ({ seen }) => String(seen.attempt), align: 'right' },
      { title: 'WHY', cell: whyOf },
    ],
    terminal.paint,
  );
  const advice = `Look at one, with the commands that resolve it: ${invocation} show TOKEN`;
  const text = views.length === 0 ? 'Nothing is in doubt.' : `${list}\n\n${advice}`;
  return { kind: 'list', json: views.map(viewJson), text };
}

function whyOf({ seen: { standing } }: OperationView): string {
  return 'error' in standing ? (standing.error?.code ?? '') : '';
}
