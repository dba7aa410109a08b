import { leavesQuestions } from '../operation/record.ts';
import type { Seen, Standing } from './seen.ts';
import { momentAndAge } from './times.ts';

export interface Choice {
  readonly when: string;
  /** The whole command, to be copied; capitals stand for what only a person knows. */
  readonly command: string;
}

export interface Next {
  /** What happens if nobody does anything. */
  readonly what: string;
  readonly choices: readonly Choice[];
}

/** How commands are written where the operation was looked up. */
export interface Phrasing {
  /** The CLI as it was called. */
  readonly invocation: string;
  /** The options of an intervention. */
  readonly signature: string;
  /** Whether a command works there. */
  serves(command: string): boolean;
}

/** What runs next for an operation, and which commands change that. */
export function whatNext(seen: Seen, now: number, phrasing: Phrasing): Next {
  const next = nextOf(seen, now, phrasing.signature);
  const choices = next.choices.filter(({ command }) =>
    phrasing.serves(command.split(' ')[0] ?? ''),
  );
  return {
    what: next.what,
    choices: choices.map(({ when, command }) => ({
      when,
      command: `${phrasing.invocation} ${command}`,
    })),
  };
}

function nextOf(seen: Seen, now: number, signed: string): Next {
  const { standing, token, action } = seen;
  switch (standing.status) {
    case 'claimed':
      return nextForClaimed(seen, standing.leaseUntil, now, signed);
    case 'in_flight':
      return {
        what:
          `Its holder records a result. Where it has none, or crashed, whoever asks from ` +
          `${momentAndAge(standing.until, now)} on goes on: ${afterLapse(seen)}`,
        choices: [forceRelease(token, signed)],
      };
    case 'free':
      return {
        what: 'Nobody holds it. Its caller, the next delivery of its task or the sweep runs it again.',
        choices: [],
      };
    case 'released':
      return {
        what:
          `It waits until ${momentAndAge(standing.notBefore, now)}. From then on the next delivery of its ` +
          'message, or the sweep, runs it again.',
        choices: [{ when: 'Once that time is past, to run it now:', command: 'sweep' }],
      };
    case 'in_doubt':
      return {
        what: 'Nothing, until a person says whether the effect happened. Look at the provider first.',
        choices: [
          {
            when: 'It happened, and this is its result:',
            command: `resolve ${token} --done RESULT-JSON ${signed}`,
          },
          {
            when: 'It did not happen, and never will; run it again:',
            command: `resolve ${token} --not-done ${signed}`,
          },
        ],
      };
    case 'completed':
      return nextForCompleted(standing);
    case 'failed':
      return {
        what: 'Nothing: it failed for good, and a duplicate is answered with the recorded error.',
        choices: [
          {
            when: 'The cause is gone; try again as a new operation:',
            command: `publish ${action} PARAMS-JSON --key NEW-KEY`,
          },
        ],
      };
    case 'cancelled':
      return { what: 'Nothing: it was cancelled, and will not run.', choices: [] };
    case 'archived':
      return {
        what: `Nothing: it is ${standing.outcome}, and its payload rests in cold storage, from where a duplicate is answered.`,
        choices: [{ when: 'Bring it back into the store:', command: `restore ${token} ${signed}` }],
      };
  }
}

function forceRelease(token: string, signed: string): Choice {
  return {
    when: 'Its holder is known to be gone; end its claim at once:',
    command: `force-release ${token} ${signed}`,
  };
}

function nextForClaimed(seen: Seen, leaseUntil: number, now: number, signed: string): Next {
  const after = afterLapse(seen);
  if (leaseUntil > now) {
    return {
      what: `Its holder records a result. If it crashed, its lease ends ${momentAndAge(leaseUntil, now)}, and then ${after}`,
      choices: [forceRelease(seen.token, signed)],
    };
  }
  return {
    what: `Its lease ended ${momentAndAge(leaseUntil, now)}: its holder is gone or late. At the next delivery or sweep, ${after}`,
    choices: [{ when: 'To do that now:', command: 'sweep' }],
  };
}

function afterLapse({ open, effect, attempt, trackingId }: Seen): string {
  if (!open || !leavesQuestions(effect)) return `attempt ${attempt + 1} runs it again.`;
  return effect === 'reconcilable'
    ? `its provider is asked what became of ${trackingId ?? 'its effect'}.`
    : 'it is parked in doubt: its effect may have happened, and nothing but a person can tell.';
}

function nextForCompleted({
  followUps = 'sent',
}: Extract<Standing, { status: 'completed' }>): Next {
  if (followUps === 'sent') {
    return {
      what: 'Nothing: it is done, and a duplicate is answered with the recorded result.',
      choices: [],
    };
  }
  return {
    what:
      followUps === 'derived'
        ? 'It is done; its follow-up tasks are derived and published by the next delivery of its task.'
        : 'It is done; its follow-up tasks are published by the next delivery or sweep.',
    choices: [{ when: 'To do that now:', command: 'sweep' }],
  };
}
