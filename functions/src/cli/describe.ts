import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import { isUnanswered, leaseUntil } from './operation-view.ts';
import type { OperationView } from './operation-view.ts';
import type { Paint, Style } from './paint.ts';
import { shownPayload } from './payload.ts';
import { duration, momentAndAge } from './times.ts';

const COLOURS: Readonly<Record<OperationRecord['status'], Style>> = {
  claimed: 'cyan',
  released: 'yellow',
  in_doubt: 'red',
  completed: 'green',
  failed: 'red',
  cancelled: 'gray',
  archived: 'gray',
};

export function shownStatus(record: OperationRecord, paint: Paint): string {
  return paint(COLOURS[record.status], record.status);
}

/** The page of `show`: what happened, who holds it, what runs next, and which command changes that. */
export function describe(view: OperationView, paint: Paint): string {
  const { operation, now, next } = view;
  const { record } = operation;
  const blocks = [
    `${paint('bold', record.action)}  ${shownStatus(record, paint)}`,
    facts([
      ['token', record.token],
      ['root', record.root === record.token ? 'this one' : record.root],
      ['path', record.path],
      ['agent', `${record.agent}, in namespace ${record.namespace}`],
      ['effect', `${record.effect}, kept as ${record.retention.name}`],
    ]),
    section(paint, 'What happened', facts(happened(view))),
    section(paint, 'Who holds it', `  ${holder(operation, now)}`),
    section(paint, 'What runs next', wrapped(next.what)),
    ...next.choices.map(({ when, command }) => `  ${when}\n    ${paint('cyan', command)}`),
  ];
  return blocks.join('\n\n');
}

type Fact = readonly [name: string, value: string];

function happened(view: OperationView): Fact[] {
  const { operation, now, params, result } = view;
  const { record, createdAt, updatedAt } = operation;
  const { trackingId, override } = record;
  return [
    ['made', momentAndAge(record.madeAt, now)],
    ['claimed first', momentAndAge(createdAt, now)],
    ['attempts', `${record.attempt} (fence ${record.fence})`],
    ...(trackingId === undefined ? [] : [startedFact(record, trackingId)]),
    ['last written', momentAndAge(updatedAt, now)],
    ...ended(record, now),
    ...(override ? [overrideFact(override, now)] : []),
    ...(params ? [['params', indented(shownPayload(params))] as const] : []),
    ...(result ? [['result', indented(shownPayload(result))] as const] : []),
  ];
}

function startedFact(record: OperationRecord, trackingId: string): Fact {
  const open = isUnanswered(record) ? '; what became of it is not known' : '';
  return ['started', `tracking id ${trackingId}${open}`];
}

function overrideFact(override: NonNullable<OperationRecord['override']>, now: number): Fact {
  const { verb, actor, reason, at } = override;
  return ['overridden', `${verb} by ${actor}, ${momentAndAge(at, now)}: ${reason}`];
}

function ended(record: OperationRecord, now: number): Fact[] {
  switch (record.status) {
    case 'claimed':
      return [];
    case 'released':
      return record.error ? [errorFact('last error', record.error)] : [];
    case 'in_doubt':
      return [errorFact('in doubt', record.error)];
    case 'completed': {
      const follows = record.sent ? '' : '; its follow-up tasks are not known to be published';
      return [['completed', momentAndAge(record.completedAt, now) + follows], kept(record, now)];
    }
    case 'failed':
      return [
        ['failed', momentAndAge(record.completedAt, now)],
        errorFact('error', record.error),
        kept(record, now),
      ];
    case 'cancelled':
      return [
        ['cancelled', `${momentAndAge(record.completedAt, now)}: ${record.reason}`],
        kept(record, now),
      ];
    case 'archived':
      return [
        [record.outcome, momentAndAge(record.completedAt, now)],
        ['cold storage', `${record.pointer.object}, from byte ${record.pointer.offset}`],
        ['forgotten', momentAndAge(record.forgetAt, now)],
      ];
  }
}

function errorFact(name: string, { code, message }: { code: string; message: string }): Fact {
  return [name, `${code}: ${message}`];
}

function kept(record: { readonly expireAt: number; readonly hold?: true }, now: number): Fact {
  return [
    'kept hot',
    record.hold ? 'until its hold is lifted' : `until ${momentAndAge(record.expireAt, now)}`,
  ];
}

function holder(operation: StoredOperation, now: number): string {
  const { record } = operation;
  const until = leaseUntil(operation);
  if (record.status !== 'claimed' || until === undefined) return 'Nobody.';
  const who = record.holder.startsWith('message:')
    ? `The run of message ${record.holder.slice('message:'.length)}`
    : record.holder;
  const claim = `claim ${record.claimId}, fence ${record.fence}`;
  return until > now
    ? `${who} (${claim}), for another ${duration(until - now)} unless it renews.`
    : `Nobody any more. ${who} (${claim}) did, until ${momentAndAge(until, now)}.`;
}

function section(paint: Paint, title: string, body: string): string {
  return `${paint('bold', title)}\n${body}`;
}

function facts(all: readonly Fact[]): string {
  const width = Math.max(...all.map(([name]) => name.length));
  return all.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

function indented(text: string): string {
  return text.replaceAll('\n', `\n${' '.repeat(17)}`);
}

const LINE = 96;

function wrapped(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + word.length + 1 > LINE) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].map((each) => `  ${each}`).join('\n');
}
