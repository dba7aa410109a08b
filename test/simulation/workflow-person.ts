import { steerWorkflow } from '../../functions/src/engine/steer-workflow.ts';
import type { Steering } from '../../functions/src/engine/steer-workflow.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';
import { createInstance } from './instance.ts';
import type { Instance } from './instance.ts';
import { SURE_AFTER_MS, truth } from './operator.ts';
import { sagas } from './workflow-process.ts';
import { sagaOf } from './workflow-spec.ts';
import type { SagaSpec } from './workflow-spec.ts';
import type { SagaWorld } from './workflow-world.ts';
import { NAMESPACE } from './world.ts';

const SIGNED = { actor: 'somebody', reason: 'looked at it' } as const;

/** A person who sees to doubts and to parked sagas until there are none, and cancels some. */
export function keepSteering(world: SagaWorld): void {
  const { dice, scheduler, specs } = world;
  const everyMs = dice.pick([3_000, 15_000]);
  for (const spec of specs) {
    const { cancelledAtMs } = spec;
    if (cancelledAtMs === undefined) continue;
    scheduler.after(cancelledAtMs, undefined, () => cancel(world, spec));
  }
  function look(): void {
    for (const operation of world.table.all()) seeToDoubt(world, operation);
    for (const { record } of world.workflows.all()) seeToSaga(world, record);
    scheduler.after(everyMs + dice.between(0, everyMs), undefined, look);
  }
  scheduler.after(everyMs, undefined, look);
}

function seeToDoubt(world: SagaWorld, found: StoredOperation): void {
  const { record, updatedAt } = found;
  if (record.status !== 'in_doubt' || world.now() < updatedAt + SURE_AFTER_MS) return;
  if (isTakenOn(world, found) || !world.dice.chance(0.5)) return;
  const override = truth(world, found);
  asPerson(world, async (instance) => {
    const { store } = sagas(world)(instance).runtime;
    world.trace.note(instance.name, override.verb, labelOf(world, found));
    await store.override(record.namespace, record.token, { override, ...SIGNED });
  });
}

/** A person has skipped this compensation: what became of it is theirs to see to. */
export function isTakenOn(world: SagaWorld, { record }: StoredOperation): boolean {
  const members = membersOf(world, record.root);
  return Object.values(members).some(
    ({ token, state }) => token === record.token && state === 'skipped',
  );
}

function membersOf({ workflows }: SagaWorld, root: string): WorkflowRecord['members'] {
  for (const { record } of workflows.all()) if (record.root === root) return record.members;
  return {};
}

function labelOf(world: SagaWorld, { record }: StoredOperation): string | undefined {
  const task = world.watch.taskOf(record);
  return task && world.labelOf(task);
}

function seeToSaga(world: SagaWorld, record: WorkflowRecord): void {
  const { dice, left } = world;
  const label = sagaOf(record.name.replace('saga.', ''));
  const stuck = Object.entries(record.members).filter(
    ([, { state }]) => state === 'undo_failed' || state === 'undo_in_doubt',
  );
  const parked = record.status === 'parked';
  if (parked && !left.has(label) && dice.chance(0.1)) left.add(label);
  if (left.has(label) || (!parked && stuck.length === 0) || !dice.chance(0.5)) return;
  const [member] = stuck.length > 0 ? dice.pick(stuck) : [];
  if (member !== undefined && dice.chance(0.3)) {
    steer(world, label, { verb: 'skip', member, ...SIGNED });
  } else if (record.parkedFrom === 'running' && dice.chance(0.25)) {
    steer(world, label, { verb: 'cancel', ...SIGNED });
  } else if (parked) {
    if (dice.chance(0.6)) mend(world, label);
    steer(world, label, { verb: 'retry', ...SIGNED });
  }
}

/** Has the provider take what it declined so far. */
function mend({ declined }: SagaWorld, label: string): void {
  for (const each of declined) if (sagaOf(each) === label) declined.delete(each);
}

function cancel(world: SagaWorld, { label }: SagaSpec): void {
  steer(world, label, { verb: 'cancel', ...SIGNED }, 3);
}

/** `times`: as often as the person asks, while nobody can tell whether it is done. */
function steer(world: SagaWorld, label: string, steering: Steering, times = 1): void {
  const root = world.roots.get(label)?.token;
  if (!root) return;
  asPerson(world, async (instance) => {
    const { runtime, steps } = sagas(world)(instance);
    const { workflows } = runtime.store;
    if (!workflows) throw new TypeError('The store keeps no workflows.');
    for (let time = 1; time <= times; time += 1) {
      world.trace.note(instance.name, `wants to ${steering.verb}`, label);
      const answer = await steerWorkflow(
        runtime,
        workflows,
        steps,
        { namespace: NAMESPACE, root },
        steering,
      ).catch(() => undefined);
      if (!answer) continue;
      world.trace.note(instance.name, `is told ${answer.kind}`, label);
      if (answer.kind === 'steered') steered(world, label, steering, answer.record);
      return;
    }
  });
}

function steered(
  { watch, cancelled, meet }: SagaWorld,
  label: string,
  { verb }: Steering,
  { status }: WorkflowRecord,
): void {
  meet(`person: ${verb}`);
  if (verb !== 'cancel') return;
  cancelled.add(label);
  if (status === 'running' || status === 'completed') {
    watch.broken(`A person was told that it is cancelled, and it is ${status}.`, label);
  }
}

/** In a process of its own, which may crash as any other. */
function asPerson(world: SagaWorld, act: (instance: Instance) => Promise<void>): void {
  const instance = createInstance(world, `person.${(world.met.get('person') ?? 0) + 1}`);
  world.meet('person');
  world.steering += 1;
  let over = false;
  function end(): void {
    if (!over) world.steering -= 1;
    over = true;
  }
  instance.whenDead.add(end);
  void act(instance).catch(ignoreForNow).then(end);
}

/** The store is away: the person comes back another time. */
function ignoreForNow(): void {}
