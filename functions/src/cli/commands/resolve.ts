import { Command } from 'commander';
import { packValue } from '../../engine/payload.ts';
import type { StoredOperation, StoredValue } from '../../operation/record.ts';
import type { Override } from '../../ports/token-store.ts';
import type { Token } from '../../token/token.ts';
import { jsonArgument, tokenArgument } from '../arguments.ts';
import type { Answer, Context, Run } from '../context.ts';
import { Failure } from '../failure.ts';
import { publishStoredTask } from './republish.ts';
import { absent, shown } from './show.ts';
import { signed } from './signature.ts';
import type { Signature } from './signature.ts';

interface Verdict extends Signature {
  readonly done?: string;
  readonly notDone?: true;
}

export function resolveCommand(run: Run): Command {
  const command = new Command('resolve')
    .summary('say what became of an operation in doubt')
    .description(
      'Says what became of an operation in doubt, and publishes its task again so that the workflow goes on. ' +
        'Running it again is safe, also after a crash.',
    )
    .argument('<TOKEN>', 'the operation’s token', tokenArgument)
    .option('--done <RESULT-JSON>', 'its effect happened, and this is the result')
    .option('--not-done', 'its effect did not happen and never will: run it again');
  return signed(command).action((token: Token, verdict: Verdict) =>
    run((context) => resolve(context, token, verdict)),
  );
}

type Resolution = Extract<Override, { verb: 'resolve_done' | 'resolve_not_done' }>;

async function resolve(context: Context, token: Token, verdict: Verdict): Promise<Answer> {
  const resolution = await resolutionOf(context, token, verdict);
  const { runtime, namespace } = context;
  const { actor, reason } = verdict;
  const answer = await runtime.store.override(namespace, token, {
    override: resolution,
    actor,
    reason,
  });
  switch (answer.kind) {
    case 'absent':
      throw absent(context, token);
    case 'overridden':
      await publishStoredTask(context, answer.found);
      return shown(context, answer.found);
    case 'stale':
    case 'refused':
      return resolvedBefore(context, token, resolution, answer.why);
  }
}

async function resolutionOf(
  context: Context,
  token: Token,
  { done, notDone }: Verdict,
): Promise<Resolution> {
  const { namespace } = context;
  if ((done === undefined) === (notDone === undefined)) {
    throw new Failure('usage', 'Say either --done RESULT-JSON or --not-done.');
  }
  if (done === undefined) return { verb: 'resolve_not_done' };
  const result = await jsonArgument('The result', done, context.terminal);
  return {
    verb: 'resolve_done',
    result: await packValue(result, context.runtime.blobs, { namespace, token }),
  };
}

/** The same verdict given again: a crash may have come between it and the publishing. */
async function resolvedBefore(
  context: Context,
  token: Token,
  resolution: Resolution,
  why: string,
): Promise<Answer> {
  const found = await context.runtime.store.get(context.namespace, token);
  if (!found) throw absent(context, token);
  const { record } = found;
  if (record.override?.verb !== resolution.verb || !sameVerdict(record, resolution)) {
    throw new Failure('refused', `Operation ${token} is left as it was. ${why}`, {
      advice: adviceFor(context, found),
    });
  }
  const published = record.status === 'completed' && record.sent;
  if (!published) await publishStoredTask(context, found);
  return shown(context, found);
}

function sameVerdict(record: StoredOperation['record'], resolution: Resolution): boolean {
  if (resolution.verb === 'resolve_not_done') return record.status === 'released';
  return record.status === 'completed' && equal(record.result, resolution.result);
}

function equal(a: StoredValue, b: StoredValue): boolean {
  if (a.kind === 'inline' && b.kind === 'inline') return a.text === b.text;
  return a.kind === 'blob' && b.kind === 'blob' && a.name === b.name;
}

function adviceFor({ invocation }: Context, { record }: StoredOperation): string {
  const { override, token, status } = record;
  const look = `${invocation} show ${token}`;
  if (override?.verb.startsWith('resolve_')) {
    return `${override.actor} resolved it already (${override.verb}: ${override.reason}). See: ${look}`;
  }
  return status === 'claimed'
    ? `Once its lease has ended, a sweep parks it if it is in doubt: ${invocation} sweep. See: ${look}`
    : `See: ${look}`;
}
