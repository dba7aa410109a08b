import type { StoredOperation } from '../operation/record.ts';
import type { MemberState, WorkflowRecord, WorkflowStatus } from '../workflow/record.ts';
import { shownStatus } from './describe.ts';
import type { Paint, Style } from './paint.ts';
import { table } from './table.ts';
import { duration, moment, momentAndAge } from './times.ts';

const STATUS_COLOURS: Readonly<Record<WorkflowStatus, Style>> = {
  running: 'cyan',
  compensating: 'yellow',
  completed: 'green',
  compensated: 'yellow',
  parked: 'red',
};

const WHAT_NEXT: Readonly<Record<WorkflowStatus, string>> = {
  running: 'Its open steps are run as they are delivered; the sweep publishes again what got lost.',
  compensating: 'What has completed is being taken back, last first.',
  completed: 'Nothing: it is done.',
  compensated: 'Nothing: all that had completed is taken back.',
  parked: 'Nothing, until a person has dealt with the reason.',
};

export interface WorkflowView {
  readonly record: WorkflowRecord;
  /** By logical time. */
  readonly operations: readonly StoredOperation[];
  readonly now: number;
  readonly invocation: string;
}

/** The page of `workflow`: where it stands, its timeline over all agents, and what a person can do. */
export function describeWorkflow(view: WorkflowView, paint: Paint): string {
  const { record } = view;
  return [
    `${paint('bold', `${record.name} v${record.version}`)}  ${paint(STATUS_COLOURS[record.status], record.status)}`,
    head(view),
    table(view.operations, columns(view, paint), paint),
    `${paint('bold', 'What runs next')}\n  ${WHAT_NEXT[record.status]}${inDoubt(view)}`,
    ...choices(view).map(({ when, command }) => `  ${when}\n    ${paint('cyan', command)}`),
  ].join('\n\n');
}

function head({ record, now }: WorkflowView): string {
  const lines = [
    `  root      ${record.root}`,
    `  started   ${momentAndAge(record.startedAt, now)}`,
  ];
  if (record.deadlineAt !== undefined && record.status === 'running') {
    lines.push(`  deadline  ${momentAndAge(record.deadlineAt, now)}`);
  }
  if (record.cause) lines.push(`  turned back  ${record.cause.code}: ${record.cause.message}`);
  if (record.parked) lines.push(`  parked    ${record.parked.code}: ${record.parked.message}`);
  if (record.steered) {
    const { verb, actor, reason, at } = record.steered;
    lines.push(`  steered   ${verb} by ${actor}, ${momentAndAge(at, now)}: ${reason}`);
  }
  return lines.join('\n');
}

function columns({ record }: WorkflowView, paint: Paint) {
  const members = new Map<string, readonly [string, MemberState]>();
  for (const [name, { token, state, forward }] of Object.entries(record.members)) {
    members.set(token, [forward === undefined ? name : `${name}, undone`, state]);
    if (forward !== undefined) members.set(forward, [name, 'completed']);
  }
  return [
    {
      title: 'TIME',
      cell: ({ record: { logicalTime } }: StoredOperation) => String(logicalTime),
      align: 'right' as const,
    },
    {
      title: 'STEP',
      cell: ({ record: { token } }: StoredOperation) => members.get(token)?.[0] ?? '–',
    },
    { title: 'AGENT', cell: ({ record: { agent } }: StoredOperation) => agent },
    { title: 'ACTION', cell: ({ record: { action } }: StoredOperation) => action },
    {
      title: 'STATUS',
      cell: ({ record: operation }: StoredOperation) => shownStatus(operation, paint),
    },
    {
      title: 'ATTEMPTS',
      cell: ({ record: { attempt } }: StoredOperation) => String(attempt),
      align: 'right' as const,
    },
    { title: 'CLAIMED', cell: ({ createdAt }: StoredOperation) => moment(createdAt) },
    {
      title: 'TOOK',
      cell: ({ createdAt, updatedAt }: StoredOperation) => duration(updatedAt - createdAt),
      align: 'right' as const,
    },
  ];
}

function inDoubt({ record, invocation }: WorkflowView): string {
  const waiting = Object.entries(record.members).filter(
    ([, { state }]) => state === 'in_doubt' || state === 'undo_in_doubt',
  );
  return waiting
    .map(([name, { token }]) => `\n  Step "${name}" is in doubt: ${invocation} show ${token}`)
    .join('');
}

function choices({ record, invocation }: WorkflowView): { when: string; command: string }[] {
  const { root, status } = record;
  const signature = '--actor YOU --reason WHY';
  const stuck = Object.entries(record.members).filter(
    ([, { state }]) => state === 'undo_failed' || state === 'undo_in_doubt',
  );
  return [
    ...(status === 'running'
      ? [{ when: 'To take it all back:', command: `${invocation} cancel ${root} ${signature}` }]
      : []),
    ...(status === 'parked'
      ? [
          {
            when: 'The reason is dealt with; go on:',
            command: `${invocation} retry ${root} ${signature}`,
          },
        ]
      : []),
    ...stuck.map(([name]) => ({
      when: `You have undone "${name}" by hand:`,
      command: `${invocation} skip ${root} ${name} ${signature}`,
    })),
  ];
}
