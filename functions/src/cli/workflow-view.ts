import { isBack } from '../engine/member-step.ts';
import type { StoredOperation } from '../operation/record.ts';
import { isOnItsWay } from '../workflow/advance.ts';
import type { MemberState, WorkflowStatus } from '../workflow/record.ts';
import { shownStatus } from './describe.ts';
import { countOf } from './duplicates.ts';
import type { Paint, Style } from './paint.ts';
import { table } from './table.ts';
import { duration, moment, momentAndAge } from './times.ts';
import { nextOfWorkflow } from './workflow-next.ts';
import type { WorkflowSeen } from './workflow-next.ts';

const STATUS_COLOURS: Readonly<Record<WorkflowStatus, Style>> = {
  running: 'cyan',
  compensating: 'yellow',
  completed: 'green',
  compensated: 'yellow',
  parked: 'red',
};

export interface WorkflowView extends WorkflowSeen {
  /** As far as a log was read for them. */
  readonly duplicates?: ReadonlyMap<string, number>;
}

/** The page of `workflow`: where it stands, its timeline over all agents, and what a person can do. */
export function describeWorkflow(view: WorkflowView, paint: Paint): string {
  const { record } = view;
  const { what, choices } = nextOfWorkflow(view);
  return [
    `${paint('bold', `${record.name} v${record.version}`)}  ${paint(STATUS_COLOURS[record.status], record.status)}`,
    head(view),
    table(view.operations, columns(view, paint), paint),
    `${paint('bold', 'What runs next')}\n  ${what}`,
    ...choices.map(({ when, command }) => `  ${when}\n    ${paint('cyan', command)}`),
  ].join('\n\n');
}

function head({ record, now }: WorkflowView): string {
  const lines = [
    `  root      ${record.root}`,
    `  started   ${momentAndAge(record.startedAt, now)}`,
  ];
  if (record.deadlineAt !== undefined && isOnItsWay(record)) {
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

function columns({ record, duplicates }: WorkflowView, paint: Paint) {
  const members = new Map<string, readonly [string, MemberState]>();
  for (const [name, member] of Object.entries(record.members)) {
    const { token, state, forward } = member;
    members.set(token, [isBack(member) ? `${name}, undone` : name, state]);
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
    ...(duplicates
      ? [
          {
            title: 'DUPLICATES',
            cell: (operation: StoredOperation) => String(countOf(duplicates, operation)),
            align: 'right' as const,
          },
        ]
      : []),
    { title: 'CLAIMED', cell: ({ createdAt }: StoredOperation) => moment(createdAt) },
    {
      title: 'TOOK',
      cell: ({ createdAt, updatedAt }: StoredOperation) => duration(updatedAt - createdAt),
      align: 'right' as const,
    },
  ];
}
