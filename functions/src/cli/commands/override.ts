import { Command } from 'commander';
import { erasePurged } from '../../engine/cold-erase.ts';
import { purgeArchived } from '../../engine/cold-purge.ts';
import type { Override } from '../../ports/token-store.ts';
import type { Token } from '../../token/token.ts';
import { durationArgument, tokenArgument } from '../arguments.ts';
import { coldOf } from '../cold-of.ts';
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
  const signature = { actor, reason };
  const cold = wanted.verb === 'purge' && (await purgedCold(context, token, signature));
  if (cold) return cold;
  const request = { override: wanted, ...signature };
  const answer = await runtime.store.override(namespace, token, request);
  if (answer.kind === 'absent') throw absent(context, token);
  if (answer.kind === 'refused') {
    throw new Failure('refused', `Operation ${token} is left as it was. ${answer.why}`);
  }
  if (wanted.verb === 'force_release') await publishStoredTask(context, answer.found);
  if (wanted.verb === 'purge') await erasePurged(runtime, answer.found.record);
  return shown(context, answer.found);
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}

/** An archived operation is purged where its payload is. `undefined`: it is not archived. */
async function purgedCold(
  context: Context,
  token: Token,
  signature: Signature,
): Promise<Answer | undefined> {
  const { runtime, namespace } = context;
  const found = await runtime.store.get(namespace, token);
  if (found?.record.status !== 'archived') return undefined;
  const asked = { namespace, token, ...signature };
  const answer = await purgeArchived(runtime, coldOf(context), asked);
  switch (answer.kind) {
    case 'purged':
      return shown(context, answer.found);
    case 'refused':
      throw new Failure('refused', `Operation ${token} is left as it was. ${answer.why}`);
    case 'absent':
      throw absent(context, token);
    case 'hot':
      return undefined;
  }
}
