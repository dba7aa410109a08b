import type { OperationView } from './operation-view.ts';
import type { Paint, Style } from './paint.ts';
import { shownPayload } from './payload.ts';
import type { Kept, Seen, ShownError, Standing } from './seen.ts';
import { duration, momentAndAge } from './times.ts';

type Status = Standing['status'];

const COLOURS: Readonly<Record<Status, Style>> = {
  claimed: 'cyan',
  in_flight: 'cyan',
  free: 'yellow',
  released: 'yellow',
  in_doubt: 'red',
  completed: 'green',
  failed: 'red',
  cancelled: 'gray',
  archived: 'gray',
};

export function shownStatus({ status }: { readonly status: Status }, paint: Paint): string {
  return paint(COLOURS[status], status);
}

/** The page of `show`: what happened, who holds it, what runs next, and which command changes that. */
export function describe(view: OperationView, paint: Paint): string {
  const { seen, now, next } = view;
  const { namespace, retention } = seen;
  const blocks = [
    `${paint('bold', seen.action)}  ${shownStatus(seen.standing, paint)}`,
    facts([
      ['token', seen.token],
      ['root', seen.root === seen.token ? 'this one' : seen.root],
      ['path', seen.path],
      ['agent', seen.agent + (namespace === undefined ? '' : `, in namespace ${namespace}`)],
      ['effect', seen.effect + (retention === undefined ? '' : `, kept as ${retention}`)],
    ]),
    section(paint, 'What happened', facts(happened(view))),
    section(paint, 'Who holds it', `  ${holder(seen, now)}`),
    section(paint, 'What runs next', wrapped(next.what)),
    ...next.choices.map(({ when, command }) => `  ${when}\n    ${paint('cyan', command)}`),
  ];
  return blocks.join('\n\n');
}

type Fact = readonly [name: string, value: string];

function happened(view: OperationView): Fact[] {
  const { seen, now, params, result } = view;
  const { trackingId, override } = seen;
  return [
    ['made', momentAndAge(seen.madeAt, now)],
    ['claimed first', momentAndAge(seen.createdAt, now)],
    ['attempts', `${seen.attempt} (fence ${seen.fence})`],
    ...(trackingId === undefined ? [] : [startedFact(seen, trackingId)]),
    ['last written', momentAndAge(seen.updatedAt, now)],
    ...ended(seen.standing, now),
    ...(override ? [overrideFact(override, now)] : []),
    ...(params ? [['params', indented(shownPayload(params))] as const] : []),
    ...(result ? [['result', indented(shownPayload(result))] as const] : []),
  ];
}

function startedFact({ open }: Seen, trackingId: string): Fact {
  return ['started', `tracking id ${trackingId}${open ? '; what became of it is not known' : ''}`];
}

function overrideFact(override: NonNullable<Seen['override']>, now: number): Fact {
  const { verb, actor, reason, at } = override;
  return ['overridden', `${verb} by ${actor}, ${momentAndAge(at, now)}: ${reason}`];
}

function ended(standing: Standing, now: number): Fact[] {
  switch (standing.status) {
    case 'claimed':
      return [];
    case 'in_flight':
    case 'free':
    case 'released':
      return standing.error ? [errorFact('last error', standing.error)] : [];
    case 'in_doubt':
      return [errorFact('in doubt', standing.error)];
    case 'completed': {
      const { followUps = 'sent' } = standing;
      const follows =
        followUps === 'sent' ? '' : '; its follow-up tasks are not known to be published';
      const completed = momentAndAge(standing.completedAt, now) + follows;
      return [['completed', completed], kept(standing, now)];
    }
    case 'failed':
      return [
        ['failed', momentAndAge(standing.completedAt, now)],
        errorFact('error', standing.error),
        kept(standing, now),
      ];
    case 'cancelled':
      return [
        ['cancelled', `${momentAndAge(standing.completedAt, now)}: ${standing.reason}`],
        kept(standing, now),
      ];
    case 'archived': {
      const { outcome, completedAt, forgetAt, pointer } = standing;
      const where = pointer ? `${pointer.object}, from byte ${pointer.offset}` : 'yes';
      return [
        [outcome, momentAndAge(completedAt, now)],
        ['cold storage', where],
        ['forgotten', momentAndAge(forgetAt, now)],
      ];
    }
  }
}

function errorFact(name: string, { code, message }: ShownError): Fact {
  return [name, `${code}: ${message}`];
}

function kept({ expireAt, hold }: Kept, now: number): Fact {
  return ['kept hot', hold ? 'until its hold is lifted' : `until ${momentAndAge(expireAt, now)}`];
}

function holder({ standing, fence }: Seen, now: number): string {
  if (standing.status === 'in_flight') {
    return `Somebody, or it waits, for another ${duration(standing.until - now)} (fence ${fence}).`;
  }
  if (standing.status !== 'claimed') return 'Nobody.';
  const { leaseUntil: until } = standing;
  const { name, claimId } = standing.holder;
  const who = name.startsWith('message:')
    ? `The run of message ${name.slice('message:'.length)}`
    : name;
  const claim = `claim ${claimId}, fence ${fence}`;
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
