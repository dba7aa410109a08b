import { isBack } from '../engine/member-step.ts';
import type { StoredOperation } from '../operation/record.ts';
import { isOnItsWay, isOpen } from '../workflow/advance.ts';
import type { MemberProgress, WorkflowRecord } from '../workflow/record.ts';
import type { Choice, Next } from './what-next.ts';

export interface WorkflowSeen {
  readonly record: WorkflowRecord;
  readonly operations: readonly StoredOperation[];
  /** Store time. */
  readonly now: number;
  readonly invocation: string;
}

const SIGNATURE = '--actor YOU --reason WHY';

/** What happens to a workflow if nobody does anything, and which commands change that. */
export function nextOfWorkflow(seen: WorkflowSeen): Next {
  const doubts = doubtsOf(seen);
  return {
    what: [whatOf(seen), ...doubts.map(doubtText)].join('\n  '),
    choices: [
      ...doubts.flatMap((doubt) => resolutions(seen, doubt)),
      ...goingOn(seen),
      ...skippable(seen, doubts).map((name) => ({
        when: `You have taken "${name}" back by hand, or see to it; it is never run again:`,
        command: `${seen.invocation} skip ${seen.record.root} ${name} ${SIGNATURE}`,
      })),
    ],
  };
}

function whatOf({ record, now }: WorkflowSeen): string {
  switch (record.status) {
    case 'running':
      return 'Its open steps are run as they are delivered; the sweep publishes again what got lost.';
    case 'compensating':
      return 'What has completed is being taken back, last first.';
    case 'completed':
      return 'Nothing: it is done.';
    case 'compensated':
      return skippedOf(record).length === 0
        ? 'Nothing: all that had completed is taken back.'
        : `Nothing: what had completed is taken back, or (${skippedOf(record).join(', ')}) taken on by a person.`;
    case 'parked':
      return whatOfParked(record, now);
  }
}

function whatOfParked(record: WorkflowRecord, now: number): string {
  if (isTooLate(record, now)) {
    return 'Nothing: its deadline has passed while it was parked, so it can only be taken back.';
  }
  switch (record.parked?.code) {
    case 'version_not_deployed':
      return 'Nothing, until its version is deployed again.';
    case 'params_not_built':
    case 'params_misfit':
      return 'Nothing, until its definition is mended and deployed, or a person does without that step.';
    case 'mismatch':
      return 'Nothing, until a person has looked at the operation that has taken its token.';
    default:
      return 'Nothing, until a person has dealt with the reason.';
  }
}

/** A retry of one that is parked on its way would only take it back. */
function isTooLate({ parkedFrom, deadlineAt = Infinity }: WorkflowRecord, now: number): boolean {
  return parkedFrom === 'running' && deadlineAt <= now;
}

type Named = readonly [name: string, member: MemberProgress];

/** Also what its workflow has not been told of yet; not what runs again since somebody resolved it. */
function doubtsOf({ record, operations }: WorkflowSeen): Named[] {
  const inDoubt = new Set(
    operations.filter((each) => each.record.status === 'in_doubt').map((each) => each.record.token),
  );
  return Object.entries(record.members).filter(
    ([, member]) => isOpen(member) && inDoubt.has(member.token),
  );
}

function doubtText([name, member]: Named): string {
  const [what, waits] = isBack(member)
    ? [`The compensation of "${name}"`, 'nothing else is taken back']
    : [`Step "${name}"`, 'nothing follows, and nothing is taken back'];
  return `${what} is in doubt: ${waits} until a person says whether its effect happened. Look at the provider first.`;
}

function resolutions({ invocation }: WorkflowSeen, [name, { token }]: Named): Choice[] {
  return [
    {
      when: `The effect in doubt of "${name}" happened, and this is its result:`,
      command: `${invocation} resolve ${token} --done RESULT-JSON ${SIGNATURE}`,
    },
    {
      when: `It did not happen, and never will; run it again, if it is wanted:`,
      command: `${invocation} resolve ${token} --not-done ${SIGNATURE}`,
    },
  ];
}

function goingOn({ record, now, invocation }: WorkflowSeen): Choice[] {
  const { root, status, parked, members } = record;
  const taken = parked?.code === 'mismatch' ? (parked.over ?? []) : [];
  return [
    ...taken.map((name) => ({
      when: `The operation that has the token of "${name}":`,
      command: `${invocation} show ${members[name]?.token}`,
    })),
    ...(status === 'parked' && parked?.code !== 'mismatch' && !isTooLate(record, now)
      ? [
          {
            when: 'The reason is dealt with; go on:',
            command: `${invocation} retry ${root} ${SIGNATURE}`,
          },
        ]
      : []),
    ...(isOnItsWay(record)
      ? [{ when: 'To take it all back:', command: `${invocation} cancel ${root} ${SIGNATURE}` }]
      : []),
  ];
}

/** The compensations that a person may take on: as `skip` decides it, from the page's own view. */
function skippable({ record }: WorkflowSeen, doubts: readonly Named[]): string[] {
  const { members, parked, parkedFrom } = record;
  const over = parkedFrom === 'compensating' && isOverMember(parked?.code) ? parked?.over : [];
  const names = new Set([
    ...Object.keys(members).filter((name) => members[name]?.state === 'undo_failed'),
    ...doubts.filter(([, member]) => isBack(member)).map(([name]) => name),
    ...(over ?? []),
  ]);
  return [...names];
}

function isOverMember(code: string | undefined): boolean {
  return code === 'params_not_built' || code === 'params_misfit' || code === 'mismatch';
}

function skippedOf({ members }: WorkflowRecord): string[] {
  return Object.keys(members).filter((name) => members[name]?.state === 'skipped');
}
