import { Command } from 'commander';
import { sweep } from '../../engine/sweep.ts';
import type { SweepReport } from '../../engine/sweep.ts';
import type { Answer, Context, Run } from '../context.ts';

export function sweepCommand(run: Run): Command {
  return new Command('sweep')
    .summary('re-drive what has passed its time')
    .description(
      'Re-drives, once and over all shards, what has passed its time: lapsed and waiting operations by ' +
        'publishing their tasks again, unsent follow-ups by publishing them. Safe to run twice.',
    )
    .action(() => run(sweepAll));
}

async function sweepAll({ runtime, shards, invocation }: Context): Promise<Answer> {
  const total = { redriven: 0, published: 0, failed: 0 };
  for (let shard = 0; shard < shards; shard += 1) add(total, await sweep(runtime, { shard }));
  const { redriven, published, failed } = total;
  const nothing = redriven + published + failed === 0;
  const text = nothing
    ? 'Nothing has passed its time.'
    : `Published again: ${redriven}. Follow-ups published: ${published}. Failed: ${failed}.`;
  const advice = failed === 0 ? '' : `\nThe failures are above; run it again: ${invocation} sweep`;
  return {
    kind: 'value',
    json: { shards, ...total },
    text: text + advice,
    exit: failed === 0 ? 'ok' : 'failed',
  };
}

function add(total: { -readonly [K in keyof SweepReport]: number }, report: SweepReport): void {
  total.redriven += report.redriven;
  total.published += report.published;
  total.failed += report.failed;
}
