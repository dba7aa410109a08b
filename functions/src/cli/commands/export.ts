import { Command } from 'commander';
import { exportArchive } from '../../engine/export-archive.ts';
import { coldOf } from '../cold-of.ts';
import type { Answer, Context, Run } from '../context.ts';

export function exportCommand(run: Run): Command {
  return new Command('export')
    .summary('every archived operation of a namespace, as NDJSON')
    .description(
      'Writes every archived operation of the namespace to standard output, each once, one JSON object a ' +
        'line. Only what a stub in the store points to is archived; stray copies are left out.',
    )
    .action(() => run(exportAll));
}

async function exportAll(context: Context): Promise<Answer> {
  const { runtime, namespace, terminal } = context;
  let count = 0;
  for await (const line of exportArchive(runtime, coldOf(context), namespace)) {
    terminal.out(`${JSON.stringify(line)}\n`);
    count += 1;
    if (count % 1_000 === 0) terminal.progress?.(`${count.toLocaleString('en')} operations`);
    if (terminal.signal.aborted) break;
  }
  terminal.progress?.('');
  return {
    kind: 'list',
    json: [],
    text: '',
    exit: terminal.signal.aborted ? 'failed' : 'ok',
  };
}
