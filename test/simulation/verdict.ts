import { isTerminal } from '../../functions/src/operation/record.ts';
import type { OperationRecord, StoredOperation } from '../../functions/src/operation/record.ts';
import { documentId } from '../../functions/src/token/token.ts';
import { MANNERS, MAX_ATTEMPTS } from './steps.ts';
import type { Action, Params } from './steps.ts';
import type { Expectation } from './workload.ts';
import { NAMESPACE } from './world.ts';
import type { World } from './world.ts';

/** Nothing is left to do: every record is settled, with what follows from it published. */
export function allSettled({ table }: World): boolean {
  for (const { record } of table.all()) if (!settled(record)) return false;
  return true;
}

function settled(record: OperationRecord): boolean {
  if (record.status === 'in_doubt') return true;
  return isTerminal(record) && (record.status !== 'completed' || record.sent);
}

/** What must be true of the whole once everything has come to rest; the first thing that is not. */
export function judge(world: World, expectations: readonly Expectation[]): void {
  for (const found of world.table.all()) judgeOperation(world, found);
  for (const expectation of expectations) judgeItem(world, expectation);
  judgeEffects(world);
  judgeMessages(world);
}

function judgeOperation({ watch, table, ...world }: World, { record }: StoredOperation): void {
  const task = watch.taskOf(record);
  if (!task) return;
  const { label, mood } = task.params as Params;
  if (record.status === 'in_doubt' && record.task === undefined) {
    watch.broken('An operation in doubt has lost its task.', label);
  }
  if (record.status === 'cancelled' && record.fence === 1 && watch.runs(record.token) > 0) {
    watch.broken('An operation that was cancelled before any claim was run.', label);
  }
  if (record.status === 'failed' && mood !== 'declined' && record.attempt < MAX_ATTEMPTS) {
    watch.broken(`It failed for good at attempt ${record.attempt}: ${record.error.code}.`, label);
  }
  if (record.status !== 'completed') return;
  for (const { token } of watch.followUps(record)) {
    if (!table.standing(documentId(NAMESPACE, token))) {
      watch.broken(`What follows from it was never run (${world.labelOf(task)}).`, label);
    }
  }
}

function judgeItem(world: World, { labels, operations, deadLetters }: Expectation): void {
  const [label = ''] = labels;
  const records = labels.reduce((sum, each) => sum + recordsOf(world, each).length, 0);
  if (records !== operations) {
    world.watch.broken(`It is ${records} operations instead of ${operations}.`, label);
  }
  for (const { task, deadLetter } of world.queue.messages()) {
    if (!labels.includes(world.labelOf(task)) || !deadLetter) continue;
    if (deadLetter.code !== deadLetters) {
      world.watch.broken(`It was dead-lettered as ${deadLetter.code}.`, label);
    }
  }
}

/** One effect for each completed operation, at most one for each in doubt, none for any other. */
function judgeEffects(world: World): void {
  const labels = new Set(world.queue.messages().map(({ task }) => world.labelOf(task)));
  for (const label of labels) {
    const records = recordsOf(world, label);
    const effectful = records.filter(({ action }) => MANNERS[action as Action] !== undefined);
    const done = effectful.filter(({ status }) => status === 'completed').length;
    const doubtful = effectful.filter(({ status }) => status === 'in_doubt').length;
    const effects = world.provider.effects(label).length;
    if (effects < done) world.watch.broken(`It has ${effects} effects, recorded ${done}.`, label);
    if (effects > done + doubtful) {
      const stands = effectful.map(({ status }) => status).join(', ');
      world.watch.broken(`It has ${effects} effects; its records are ${stands}.`, label);
    }
  }
}

/** Nothing that was published is lost, and nothing was delivered so often that Pub/Sub would give up. */
function judgeMessages(world: World): void {
  for (const { id, task, deadLetter, deliveries } of world.queue.messages()) {
    const label = world.labelOf(task);
    const stands = [task.token, ...(task.window?.neighbours ?? [])].some(
      (token) => world.table.standing(documentId(NAMESPACE, token)) !== undefined,
    );
    if (!stands && !deadLetter) world.watch.broken(`${id} left nothing behind.`, label);
    if (deliveries >= 100) world.watch.broken(`${id} was delivered ${deliveries} times.`, label);
  }
}

function recordsOf(world: World, label: string): OperationRecord[] {
  const records: OperationRecord[] = [];
  for (const { record } of world.table.all()) {
    const task = world.watch.taskOf(record);
    if (task && world.labelOf(task) === label) records.push(record);
  }
  return records;
}
