import { Command } from 'commander';
import type { Override } from '../../ports/token-store.ts';
import type { Token } from '../../token/token.ts';
import { durationArgument, tokenArgument } from '../arguments.ts';
import type { Answer, Context, Run } from '../context.ts';
import { Failure } from '../failure.ts';
import { publishStoredTask } from './republish.ts';
import { absent, shown } from './show.ts';
import { signed } from './signature.ts';
import type { Signature } from './signature.ts';

type SimpleVerb = Exclude<Override['verb'], 'extend' | 'resolve_done' | 'resolve_not_done'>;

const SIMPLE: Readonly<Record<SimpleVerb, { readonly name: string; readonly summary: string }>> = {
  hold: { name: 'hold', summary: 'keep a settled operation out of archiving until unhold' },
  unhold: { name: 'unhold', summary: 'lift a hold' },
  expire: { name: 'expire', summary: 'let a settled operation be archived now; lifts a hold' },
  force_release: {
    name: 'force-release',
    summary: 'end a holder’s claim at once, and publish its task again',
  },
  purge: { name: 'purge', summary: 'erase params and result; that it happened stays known' },
};

export function overrideCommands(run: Run): Command[] {
  const simple = Object.entries(SIMPLE).map(([verb, { name, summary }]) =>
    signed(new Command(name).summary(summary).description(sentence(summary)))
      .argument('<TOKEN>', 'the operation’s token', tokenArgument)
      .action((token: Token, signature: Signature) =>
        run((context) => override(context, token, { verb: verb as SimpleVerb }, signature)),
      ),
  );
  const summary = 'keep a settled operation hot for longer';
  const extend = signed(new Command('extend').summary(summary).description(sentence(summary)))
    .argument('<TOKEN>', 'the operation’s token', tokenArgument)
    .requiredOption('--by <DURATION>', 'how much longer: 12h, 7d', durationArgument)
    .action((token: Token, { by, ...signature }: Signature & { readonly by: number }) =>
      run((context) => override(context, token, { verb: 'extend', byMs: by }, signature)),
    );
  return [extend, ...simple];
}

async function override(
  context: Context,
  token: Token,
  wanted: Override,
  { actor, reason }: Signature,
): Promise<Answer> {
  const { runtime, namespace } = context;
  const request = { override: wanted, actor, reason };
  const answer = await runtime.store.override(namespace, token, request);
  if (answer.kind === 'absent') throw absent(context, token);
  if (answer.kind === 'refused') {
    throw new Failure('refused', `Operation ${token} is left as it was. ${answer.why}`);
  }
  if (wanted.verb === 'force_release') await publishStoredTask(context, answer.found);
  return shown(context, answer.found);
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
