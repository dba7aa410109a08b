import { Command } from 'commander';
import { PayloadGone } from '../../engine/payload.ts';
import { restoreAudited } from '../../engine/intervene-cold.ts';
import { restoreRoot } from '../../engine/restore.ts';
import type { Token } from '../../token/token.ts';
import { tokenArgument } from '../arguments.ts';
import { onRecord } from '../audit.ts';
import { coldOf } from '../cold-of.ts';
import type { Answer, Context, Run } from '../context.ts';
import { Failure } from '../failure.ts';
import { absent, shown } from './show.ts';
import { signed } from './signature.ts';
import type { Signature } from './signature.ts';

interface RestoreFlags extends Signature {
  readonly root?: true;
}

export function restoreCommand(run: Run): Command {
  const command = new Command('restore')
    .summary('bring an archived operation, or all of a workflow, back from cold storage')
    .description(
      'Puts the payload of an archived operation back into the store, where it is kept for one more life ' +
        'of its retention class. What is hot already is left as it is.',
    )
    .argument('<TOKEN>', 'the operation’s token, or a root token with --root', tokenArgument)
    .option('--root', 'every operation under this root token');
  return signed(command).action((token: Token, flags: RestoreFlags) =>
    run((context) => restore(context, token, flags)),
  );
}

async function restore(
  context: Context,
  token: Token,
  { root, actor, reason }: RestoreFlags,
): Promise<Answer> {
  const { runtime, namespace } = context;
  coldOf(context);
  try {
    const by = { actor, reason };
    if (root) {
      const { restored, hot } = await onRecord(context, (audit) =>
        restoreRoot(runtime, namespace, token, by, (_runtime, _namespace, each) =>
          restoreAudited(runtime, audit, { namespace, token: each, ...by }),
        ),
      );
      if (restored + hot === 0) throw absent(context, token);
      const text = `Restored ${restored} of ${restored + hot} operations; the others were hot.`;
      return { kind: 'value', json: { root: token, restored, hot }, text };
    }
    const answer = await onRecord(context, (audit) =>
      restoreAudited(runtime, audit, { namespace, token, ...by }),
    );
    if (answer.kind === 'absent') throw absent(context, token);
    return shown(context, answer.found);
  } catch (error) {
    if (!(error instanceof PayloadGone)) throw error;
    throw new Failure('failed', `Operation ${token} can't be restored. ${error.message}`, {
      cause: error,
    });
  }
}
