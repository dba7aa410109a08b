import type { StepContext } from '../../functions/src/engine/step.ts';
import { followUpTasks } from '../../functions/src/engine/tasks.ts';
import { leaseEnd } from '../../functions/src/operation/claim.ts';
import { isTerminal } from '../../functions/src/operation/record.ts';
import type {
  ArchivedRecord,
  OperationRecord,
  StoredOperation,
} from '../../functions/src/operation/record.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import { documentId } from '../../functions/src/token/token.ts';
import type { Token } from '../../functions/src/token/token.ts';
import type { Instance } from './instance.ts';
import type { Message } from './queue.ts';
import { MANNERS, MAX_ATTEMPTS } from './steps.ts';
import type { Action, Params } from './steps.ts';
import type { Writer } from './store.ts';
import { brokenRule } from './transitions.ts';
import type { World } from './world.ts';

export interface Violation {
  readonly what: string;
  /** The task's label. */
  readonly about: string | undefined;
}

/** Looks at everything that happens, and remembers the first broken promise. */
export interface Watch {
  violation(): Violation | undefined;
  broken(what: string, about?: string): void;
  wrote(
    instance: Instance,
    writer: Writer,
    before: StoredOperation | undefined,
    after: StoredOperation,
  ): void;
  began(instance: Instance, context: StepContext<Params>): void;
  sending(instance: Instance, context: StepContext<Params>, trackingId: string | undefined): void;
  publishing(instance: Instance, tasks: readonly TaskMessage[]): void;
  published(task: TaskMessage): void;
  recalled(instance: Instance, found: StoredOperation): void;
  /** A receiver says that it is done with a message that it was given at `since`. */
  doneWith(instance: Instance, message: Message, since: number): void;
  taskOf(record: OperationRecord): TaskMessage | undefined;
  isPublished(token: Token): boolean;
  /** The tasks that follow from a record's result. */
  followUps(record: OperationRecord): readonly TaskMessage[];
  runs(token: Token): number;
}

export function createWatch(world: World): Watch {
  /** By token and request: two requests may have been made under one key. */
  const tasks = new Map<string, TaskMessage>();
  const durable = new Set<Token>();
  const recorded = new Set<Token>();
  const cutShort = new Set<Token>();
  const runs = new Map<Token, number>();
  const versions = new Map<Token, { readonly from: number; readonly record: OperationRecord }[]>();
  const followUpsOf = new Map<Token, readonly TaskMessage[]>();
  let violation: Violation | undefined;

  function broken(what: string, about?: string): void {
    if (violation) return;
    violation = { what, about };
    world.trace.note('—', `✗ ${what}`, about);
  }

  function taskOf({ token, requestHash }: OperationRecord): TaskMessage | undefined {
    return tasks.get(token + requestHash);
  }

  function about(record: OperationRecord): string | undefined {
    const task = taskOf(record);
    return task && world.labelOf(task);
  }

  function followUps(record: OperationRecord): readonly TaskMessage[] {
    const { token } = record;
    const known = followUpsOf.get(token);
    if (known) return known;
    const task = taskOf(record);
    const made = task ? followUpTasks(task, (task.params as Params).next) : [];
    followUpsOf.set(token, made);
    return made;
  }

  function unpublished(record: OperationRecord): TaskMessage | undefined {
    return followUps(record).find(({ token }) => !durable.has(token));
  }

  function completed(record: OperationRecord & { status: 'completed' }, writer: Writer): void {
    for (const { token } of followUps(record)) recorded.add(token);
    if (writer === 'person') return;
    const label = about(record);
    const manners = MANNERS[record.action as Action];
    if (record.result.kind === 'blob' && !world.blobs.has(record.result.name)) {
      broken('A result was recorded before its blob was durable.', label);
    }
    if (!manners || record.result.kind !== 'inline' || label === undefined) return;
    const { effect } = JSON.parse(record.result.text) as { effect: number };
    if (!world.provider.effects(label).some((receipt) => receipt.effect === effect)) {
      broken(`A result was recorded that no effect belongs to (${effect}).`, label);
    }
  }

  /** Whether the handler of this attempt may act now; a person's intervention leaves that open. */
  function checkHolds(
    what: string,
    { token, idempotencyKey, attempt, params: { label } }: StepContext<Params>,
  ): void {
    if (cutShort.has(token)) return;
    const found = world.table.standing(idempotencyKey);
    if (found?.record.status !== 'claimed') {
      broken(`${what} while the record was ${found?.record.status ?? 'absent'}.`, label);
    } else if (found.record.attempt !== attempt) {
      broken(`${what} for attempt ${attempt} during attempt ${found.record.attempt}.`, label);
    } else if (world.now() >= leaseEnd(found.updatedAt, found.record)) {
      broken(`${what} after the end of its lease.`, label);
    }
  }

  return {
    violation: () => violation,
    broken,
    followUps,
    taskOf,
    isPublished: (token) => durable.has(token),
    runs: (token) => runs.get(token) ?? 0,

    wrote(instance, writer, before, after) {
      const { record, updatedAt: from } = after;
      const { token } = record;
      if (world.trace.kept) {
        world.trace.note(instance.name, describe(before?.record, record), about(record));
      }
      const rule = brokenRule(writer, before, after);
      if (rule !== undefined) broken(rule, about(record));
      const all = versions.get(token) ?? [];
      versions.set(token, all);
      all.push({ from, record });
      if (writer === 'person' && before?.record.status === 'claimed') cutShort.add(token);
      if (record.status !== 'completed') return;
      if (before?.record.status !== 'completed') completed(record, writer);
      const missing = record.sent ? unpublished(record) : undefined;
      if (missing) broken('Follow-ups count as sent, but one is not published.', about(record));
    },

    began(instance, context) {
      if (instance.dead) return;
      const { token, attempt, params } = context;
      world.trace.note(instance.name, `runs the step, attempt ${attempt}`, params.label);
      runs.set(token, (runs.get(token) ?? 0) + 1);
      checkHolds('A step was begun', context);
      if (attempt > MAX_ATTEMPTS) broken(`A step was begun a ${attempt}th time.`, params.label);
    },

    sending(instance, context, trackingId) {
      if (instance.dead) return;
      const { token, params } = context;
      world.trace.note(instance.name, `sends, attempt ${context.attempt}`, params.label);
      checkHolds('An effect was sent', context);
      if (trackingId === undefined || cutShort.has(token)) return;
      const record = world.table.standing(context.idempotencyKey)?.record;
      if (record?.started !== true || record.trackingId !== trackingId) {
        broken('An effect was sent before its start was recorded.', params.label);
      }
    },

    publishing(instance, asked) {
      if (instance.dead) return;
      for (const task of asked) {
        const { token, path, action } = task;
        if (path === action || recorded.has(token) || durable.has(token)) continue;
        const what = 'A follow-up was published that no recorded result leads to.';
        broken(what, world.labelOf(task));
      }
    },

    published(task) {
      durable.add(task.token);
      tasks.set(task.token + task.requestHash, task);
    },

    recalled(instance, { record }) {
      if (instance.dead) return;
      const standing = world.table.standing(documentId(record.namespace, record.token))?.record;
      const label = about(record);
      if (!standing || !isTerminal(standing)) {
        broken('The cache answered for an operation that has not ended.', label);
      } else if (standing.override === undefined && !sameAnswer(standing, record)) {
        broken('The cache answered something else than is recorded.', label);
      } else if (standing.status === 'completed' && unpublished(standing)) {
        broken('The cache answered before the follow-ups were published.', label);
      }
    },

    doneWith(instance, message, since) {
      if (instance.dead || message.deadLetter) return;
      const { token, window } = message.task;
      const holder = `message:${message.id}`;
      const justified = [token, ...(window?.neighbours ?? [])].some((candidate) =>
        (versions.get(candidate) ?? []).some(
          ({ record }, index, all) =>
            (all[index + 1]?.from ?? Infinity) >= since && settlesFor(record, holder),
        ),
      );
      if (!justified) {
        broken(
          `${message.id} was acknowledged with nothing to take its place.`,
          world.labelOf(message.task),
        );
      }
    },
  };
}

/** Ended, parked, or in the hands of a message that will come again. */
function settlesFor(record: OperationRecord, holder: string): boolean {
  if (isTerminal(record) || record.status === 'in_doubt') return true;
  return record.holder.startsWith('message:') && record.holder !== holder;
}

function sameAnswer(standing: OperationRecord, record: OperationRecord): boolean {
  if (standing.status === 'archived') return archivedFrom(standing, record);
  if (standing.status === 'completed' && record.status === 'completed') {
    return JSON.stringify(standing.result) === JSON.stringify(record.result);
  }
  if (standing.status === 'failed' && record.status === 'failed') {
    return JSON.stringify(standing.error) === JSON.stringify(record.error);
  }
  return standing.status === record.status;
}

/** What it came to is in cold storage; that it came to the same is told by its stub. */
function archivedFrom({ outcome }: ArchivedRecord, record: OperationRecord): boolean {
  return outcome === (record.status === 'archived' ? record.outcome : record.status);
}

function describe(before: OperationRecord | undefined, after: OperationRecord): string {
  const fate = before && before.status !== after.status ? `${before.status} → ` : '';
  const started = after.started === true ? ', started' : '';
  const sent = after.status === 'completed' ? `, ${after.sent ? 'sent' : 'unsent'}` : '';
  return `writes ${fate}${after.status} (fence ${after.fence}, attempt ${after.attempt}${started}${sent})`;
}
