import { isTerminal } from '../../functions/src/operation/record.ts';
import type { OperationRecord } from '../../functions/src/operation/record.ts';
import type { MemberProgress, WorkflowRecord } from '../../functions/src/workflow/record.ts';
import { MANNERS, MAX_ATTEMPTS } from './steps.ts';
import { isTakenOn } from './workflow-person.ts';
import { OPERATION } from './workflow-rules.ts';
import type { MemberSpec, SagaSpec } from './workflow-spec.ts';
import type { SagaWorld } from './workflow-world.ts';

/** Every saga has come to its end, or stands still with a person's knowledge. */
export function allEnded(world: SagaWorld): boolean {
  for (const found of world.table.all()) {
    const { record } = found;
    const open = !isTerminal(record) || (record.status === 'completed' && !record.sent);
    if (open && !(record.status === 'in_doubt' && isTakenOn(world, found))) return false;
  }
  for (const { record } of world.workflows.all()) {
    if (record.status === 'running' || record.status === 'compensating') return false;
    if (Object.values(record.members).some(({ state }) => state === 'undoing')) return false;
    const left = world.left.has(record.name.replace('saga.', ''));
    if (record.status === 'parked' && !left) return false;
  }
  return true;
}

/** What must be true of the sagas once everything has come to rest; the first thing that is not. */
export function judgeSagas(world: SagaWorld): void {
  for (const spec of world.specs) judgeSaga(world, spec);
  for (const { task, deadLetter } of world.queue.messages()) {
    if (deadLetter)
      world.watch.broken(`It was dead-lettered as ${deadLetter.code}.`, world.labelOf(task));
  }
}

function judgeSaga(world: SagaWorld, spec: SagaSpec): void {
  const { watch } = world;
  const { label } = spec;
  const root = world.operation(world.roots.get(label)?.token)?.record;
  const record = world.standing(label)?.record;
  if (!record) {
    const began = root?.status === 'failed' ? undefined : (root?.status ?? 'absent');
    if (began !== undefined) watch.broken(`It never began, its first task being ${began}.`, label);
    return;
  }
  world.meet(`saga ${record.status}`);
  if (record.cause?.message.startsWith('The workflow was not done')) world.meet('saga deadline');
  if (world.cancelled.has(label) && record.status === 'completed') {
    watch.broken('It was cancelled, and completed.', label);
  }
  for (const stage of spec.stages) for (const member of stage) judgeMember(world, record, member);
  judgeTimes(world, spec, record);
}

function judgeMember(world: SagaWorld, record: WorkflowRecord, spec: MemberSpec): void {
  const { watch } = world;
  const { name, label, undo } = spec;
  const member = record.members[name];
  const effects = world.provider.effects(label).length;
  if (!member) {
    if (effects > 0) watch.broken('It was never reached, and has an effect.', label);
    return;
  }
  const { state } = member;
  world.meet(`member ${state}`);
  const operation = world.operation(member.token)?.record;
  if (OPERATION[state] !== undefined && operation?.status !== OPERATION[state]) {
    watch.broken(`It is ${state}, and its operation ${operation?.status ?? 'absent'}.`, label);
  }
  if (!ENDS.has(state)) watch.broken(`It ended as ${state}, its saga as ${record.status}.`, label);
  judgeForward(world, spec, world.operation(member.forward ?? member.token)?.record);
  if (undo) judgeBack(world, undo, member);
}

const ENDS: ReadonlySet<string> = new Set([
  'completed',
  'failed',
  'cancelled',
  'undone',
  'undo_failed',
  'skipped',
]);

/** One effect where it has completed, none where it has not. */
function judgeForward(
  world: SagaWorld,
  { label, action, mood, deadlineMs, maxAttempts = MAX_ATTEMPTS }: MemberSpec,
  record: OperationRecord | undefined,
): void {
  const { watch } = world;
  const effects = world.provider.effects(label).length;
  const wanted = record?.status === 'completed' && MANNERS[action] !== undefined ? 1 : 0;
  if (effects !== wanted) {
    watch.broken(`It has ${effects} effects, its operation being ${record?.status}.`, label);
  }
  if (record?.status === 'cancelled' && record.started === true) {
    watch.broken('It was started, and cancelled.', label);
  }
  if (record?.status !== 'failed') return;
  const late = record.error.code === 'deadline_passed';
  world.meet(late ? 'step deadline' : 'failed for good');
  if (record.attempt === maxAttempts && maxAttempts < MAX_ATTEMPTS) world.meet('fewer attempts');
  const explained = late ? deadlineMs !== undefined : mood === 'declined';
  if (!explained && record.attempt < maxAttempts) {
    watch.broken(`It failed for good: ${record.error.code}.`, label);
  }
}

function judgeBack(
  world: SagaWorld,
  { label, action }: { label: string; action: keyof typeof MANNERS },
  { state }: MemberProgress,
): void {
  const effects = world.provider.effects(label).length;
  const most = state === 'undone' || state === 'skipped' ? 1 : 0;
  const least = state === 'undone' && MANNERS[action] !== undefined ? 1 : 0;
  if (effects > most || effects < least) {
    world.watch.broken(`It took back ${effects} times what is ${state}.`, label);
  }
}

/** Logical time grows from each operation to those that it caused. */
function judgeTimes(world: SagaWorld, { stages, label }: SagaSpec, record: WorkflowRecord): void {
  const timesOf = (tokens: readonly (MemberProgress['token'] | undefined)[]): number[] =>
    tokens.flatMap((token) => world.operation(token)?.record.logicalTime ?? []);
  const forward = stages.map((stage) =>
    timesOf(
      stage.map(({ name }) => record.members[name]).map((each) => each?.forward ?? each?.token),
    ),
  );
  const back = stages.map((stage) =>
    timesOf(
      stage
        .map(({ name }) => record.members[name])
        .map((each) => (each?.forward === each?.token ? undefined : each?.forward && each.token)),
    ),
  );
  const root = timesOf([world.roots.get(label)?.token]);
  const order = [root, ...forward, ...back.toReversed()].filter((times) => times.length > 0);
  for (const [index, times] of order.entries()) {
    const before = order[index - 1] ?? [];
    if (Math.max(...before) >= Math.min(...times)) {
      world.watch.broken(`Logical time went from ${before.join()} to ${times.join()}.`, label);
    }
  }
}
