import { leavesQuestions } from '../operation/record.ts';
import type {
  ClaimedRecord,
  CompletedRecord,
  OperationRecord,
  StoredOperation,
} from '../operation/record.ts';
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

/** What runs next for an operation, and which commands change that. `invocation` is the CLI as it was called. */
export function whatNext(
  { record, updatedAt }: StoredOperation,
  now: number,
  invocation: string,
): Next {
  const say = (command: string): string => `${invocation} ${command}`;
  const signed = '--actor YOU --reason WHY';
  switch (record.status) {
    case 'claimed':
      return nextForClaimed(record, updatedAt + record.leaseMs, now, say, signed);
    case 'released':
      return {
        what:
          `It waits until ${momentAndAge(record.notBefore, now)}. From then on the next delivery of its ` +
          'message, or the sweep, runs it again.',
        choices: [{ when: 'Once that time is past, to run it now:', command: say('sweep') }],
      };
    case 'in_doubt':
      return {
        what: 'Nothing, until a person says whether the effect happened. Look at the provider first.',
        choices: [
          {
            when: 'It happened, and this is its result:',
            command: say(`resolve ${record.token} --done RESULT-JSON ${signed}`),
          },
          {
            when: 'It did not happen, and never will; run it again:',
            command: say(`resolve ${record.token} --not-done ${signed}`),
          },
        ],
      };
    case 'completed':
      return nextForCompleted(record, say);
    case 'failed':
      return {
        what: 'Nothing: it failed for good, and a duplicate is answered with the recorded error.',
        choices: [
          {
            when: 'The cause is gone; try again as a new operation:',
            command: say(`publish ${record.action} PARAMS-JSON --key NEW-KEY`),
          },
        ],
      };
    case 'cancelled':
      return { what: 'Nothing: it was cancelled, and will not run.', choices: [] };
    case 'archived':
      return {
        what: `Nothing: it is ${record.outcome}, and its payload rests in cold storage.`,
        choices: [],
      };
  }
}

function nextForClaimed(
  record: ClaimedRecord,
  leaseUntil: number,
  now: number,
  say: (command: string) => string,
  signed: string,
): Next {
  const after = afterLapse(record);
  const release = {
    when: 'Its holder is known to be gone; end its claim at once:',
    command: say(`force-release ${record.token} ${signed}`),
  };
  if (leaseUntil > now) {
    return {
      what: `Its holder records a result. If it crashed, its lease ends ${momentAndAge(leaseUntil, now)}, and then ${after}`,
      choices: [release],
    };
  }
  return {
    what: `Its lease ended ${momentAndAge(leaseUntil, now)}: its holder is gone or late. At the next delivery or sweep, ${after}`,
    choices: [{ when: 'To do that now:', command: say('sweep') }],
  };
}

function afterLapse(record: OperationRecord): string {
  if (record.started !== true || !leavesQuestions(record.effect)) {
    return `attempt ${record.attempt + 1} runs it again.`;
  }
  return record.effect === 'reconcilable'
    ? `its provider is asked what became of ${record.trackingId ?? 'its effect'}.`
    : 'it is parked in doubt: its effect may have happened, and nothing but a person can tell.';
}

function nextForCompleted(record: CompletedRecord, say: (command: string) => string): Next {
  if (record.sent) {
    return {
      what: 'Nothing: it is done, and a duplicate is answered with the recorded result.',
      choices: [],
    };
  }
  const derived = record.outbox?.kind === 'pending';
  return {
    what: derived
      ? 'It is done; its follow-up tasks are derived and published by the next delivery of its task.'
      : 'It is done; its follow-up tasks are published by the next delivery or sweep.',
    choices: [{ when: 'To do that now:', command: say('sweep') }],
  };
}
