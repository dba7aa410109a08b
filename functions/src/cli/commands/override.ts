import { Command } from 'commander';
import type { Token } from '../../token/token.ts';
import { durationArgument, tokenArgument } from '../arguments.ts';
import type { Answer } from '../context.ts';
import type {
  OperationsContext,
  RunOperations,
  Signature,
  SimpleVerb,
  Wanted,
} from '../operations.ts';
import { shownView } from './show.ts';
import { signedOrVerified } from './signature.ts';

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

export function overrideCommands(run: RunOperations): Command[] {
  const simple = Object.entries(SIMPLE).map(([verb, { name, summary }]) =>
    signedOrVerified(new Command(name).summary(summary).description(sentence(summary)))
      .argument('<TOKEN>', 'the operation’s token', tokenArgument)
      .action((token: Token, signature: Signature) =>
        run((context) => override(context, token, { verb: verb as SimpleVerb }, signature)),
      ),
  );
  const summary = 'keep a settled operation hot for longer';
  const extend = new Command('extend').summary(summary).description(sentence(summary));
  const byDuration = signedOrVerified(extend)
    .argument('<TOKEN>', 'the operation’s token', tokenArgument)
    .requiredOption('--by <DURATION>', 'how much longer: 12h, 7d', durationArgument)
    .action((token: Token, { by, ...signature }: Signature & { readonly by: number }) =>
      run((context) => override(context, token, { verb: 'extend', byMs: by }, signature)),
    );
  return [byDuration, ...simple];
}

async function override(
  { operations, terminal }: OperationsContext,
  token: Token,
  wanted: Wanted,
  signature: Signature,
): Promise<Answer> {
  return shownView(await operations.intervene(token, wanted, signature), terminal.paint);
}

function sentence(summary: string): string {
  return `${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`;
}
