import { Command } from 'commander';
import { sweepAll } from '../../engine/sweep-all.ts';
import type { Answer, Context, Run } from '../context.ts';
import { deployedSteps } from '../deployed-steps.ts';

export function sweepCommand(run: Run): Command {
  return new Command('sweep')
    .summary('re-drive what has passed its time')
    .description(
      'Re-drives, once and over all shards, what has passed its time: lapsed and waiting operations by ' +
        'publishing their tasks again, unsent follow-ups and versions of state by publishing them, ' +
        'workflows by moving them on. Safe to run twice.',
    )
    .action(() => run(sweepOnce));
}

async function sweepOnce({ runtime, namespace, shards, invocation }: Context): Promise<Answer> {
  const swept = await sweepAll(runtime, await deployedSteps(), namespace);
  const { redriven, published, moved, versions, failed } = swept;
  const nothing = redriven + published + moved + versions + failed === 0;
  const text = nothing
    ? 'Nothing has passed its time.'
    : `Published again: ${redriven}. Follow-ups published: ${published}. Workflows moved: ${moved}. ` +
      `Versions of state published: ${versions}. Failed: ${failed}.`;
  const advice = failed === 0 ? '' : `\nThe failures are above; run it again: ${invocation} sweep`;
  return {
    kind: 'value',
    json: { shards, ...swept },
    text: text + advice,
    exit: failed === 0 ? 'ok' : 'failed',
  };
}
