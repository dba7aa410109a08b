import { makeTask } from '../../functions/src/engine/tasks.ts';
import type { FaultKind } from './faults.ts';
import { haveWeather } from './simulate.ts';
import type { TraceLine } from './trace.ts';
import type { Violation } from './watch.ts';
import { keepReceiving, keepSweeping } from './worker.ts';
import { keepSteering } from './workflow-person.ts';
import { sagas } from './workflow-process.ts';
import { sagaOf, specSaga } from './workflow-spec.ts';
import { allEnded, judgeSagas } from './workflow-verdict.ts';
import { createSagaWorld } from './workflow-world.ts';
import type { SagaWorld } from './workflow-world.ts';
import { BOUNDARY, NAMESPACE } from './world.ts';
import type { RunOptions } from './world.ts';

export interface SagaRun {
  readonly violation: Violation | undefined;
  readonly trace: readonly TraceLine[];
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly injected: number;
  /** How sagas and their members ended, and what befell them. */
  readonly met: ReadonlyMap<string, number>;
  readonly events: number;
}

/** A fresh process may date its first claim an hour ahead, so that the sweep finds it an hour late. */
const PATIENCE_MS = 3 * 3_600_000;

/** Longer than a process may be frozen, and than it waits for an answer that never comes. */
const CALM_AFTER_MS = 120_000;

/** One run of sagas, from its seed alone: faults for a while, then none until all has come to rest. */
export async function simulateSagas(options: RunOptions): Promise<SagaRun> {
  const world = createSagaWorld(options);
  const { dice, scheduler, faults, watch } = world;
  const faultsEndAt = dice.pick([60_000, 120_000, 240_000]);
  publishSagas(world, 0.5 * faultsEndAt);
  const load = sagas(world);
  const workers = dice.whole(2, 3);
  for (let slot = 0; slot < workers; slot += 1) keepReceiving(world, slot, load);
  keepSweeping(world, load);
  if (dice.chance(0.6)) keepSweeping(world, load);
  keepSteering(world);
  keepRepeating(world);
  haveWeather(world);

  await scheduler.runUntil(() => scheduler.now() > faultsEndAt || watch.violation() !== undefined);
  faults.end();
  world.calmFrom = scheduler.now() + CALM_AFTER_MS;
  world.storeAwayUntil = 0;
  await untilAtRest(world, 'all');
  if (!watch.violation()) judgeSagas(world);
  if (!watch.violation()) await repeatAll(world);

  return {
    violation: violationOf(world),
    trace: world.trace.lines().map(underSaga),
    faults: faults.counts,
    injected: faults.injected(),
    met: world.met,
    events: scheduler.count(),
  };
}

function publishSagas(world: SagaWorld, spanMs: number): void {
  const { dice, scheduler, queue, specs, roots, declined } = world;
  const count = dice.whole(1, 3);
  for (let index = 1; index <= count; index += 1) {
    const spec = specSaga(dice, `s${index}`, spanMs);
    const { label } = spec;
    specs.push(spec);
    for (const { undo } of spec.stages.flat()) if (undo?.stubborn) declined.add(undo.label);
    const request = { action: `saga.${label}`, params: { label, mood: 'well', next: [] } };
    const skewMs = dice.pick([0, 0, -3_600_000, 3_600_000]);
    const origin = { namespace: NAMESPACE, agent: 'maker', key: label };
    const task = makeTask(request, origin, BOUNDARY + skewMs);
    roots.set(label, task);
    const first = dice.between(0, spanMs / 2);
    const times = dice.pick([1, 1, 2]);
    for (let time = 0; time < times; time += 1) {
      scheduler.after(first + time * dice.between(0, spanMs), undefined, () => queue.put(task));
    }
  }
}

/** Tasks come again long after they were done with, while faults last. */
function keepRepeating(world: SagaWorld): void {
  const { dice, scheduler, faults, queue } = world;
  scheduler.after(dice.between(2_000, 20_000), undefined, () => {
    if (!faults.active()) return;
    const messages = queue.messages();
    if (messages.length > 0) queue.put(dice.pick(messages).task);
    keepRepeating(world);
  });
}

async function untilAtRest(world: SagaWorld, what: 'all' | 'messages'): Promise<void> {
  const { scheduler, watch, queue } = world;
  const giveUpAt = scheduler.now() + PATIENCE_MS;
  const atRest = (): boolean =>
    queue.open() === 0 &&
    world.atWork === 0 &&
    world.inTransit === 0 &&
    (what === 'messages' || (world.steering === 0 && allEnded(world)));
  await scheduler.runUntil(
    () => atRest() || watch.violation() !== undefined || scheduler.now() > giveUpAt,
  );
  if (watch.violation() || atRest()) return;
  const [stuck] = world.specs.filter(({ label }) => !isOver(world, label));
  watch.broken(`It never came to rest: ${unrest(world)}.`, stuck?.label);
}

function isOver(world: SagaWorld, label: string): boolean {
  const status = world.standing(label)?.record.status;
  return status === 'completed' || status === 'compensated' || world.left.has(label);
}

function unrest({ queue, table, workflows, atWork, steering }: SagaWorld): string {
  const statuses = [...table.all()].map(({ record }) => `${record.path} ${record.status}`);
  const sagasNow = [...workflows.all()].map(({ record }) => {
    const members = Object.entries(record.members).map(([name, { state }]) => `${name} ${state}`);
    return `${record.name} ${record.status} (${members.join(', ')})`;
  });
  return `${queue.open()} open messages, ${atWork} at work, ${steering} steering; ${sagasNow.join('; ')}; operations ${statuses.join(', ')}`;
}

/** Once all is over, every task comes once more: nothing may come of it. */
async function repeatAll(world: SagaWorld): Promise<void> {
  const { queue, workflows, watch, provider } = world;
  const tasks = new Map(queue.messages().map(({ task }) => [task.token, task]));
  const before = picture();
  const published = queue.messages().length;
  for (const task of tasks.values()) queue.put(task);
  await untilAtRest(world, 'messages');
  const after = picture();
  const changed = before.find((line, index) => line !== after[index]);
  if (changed !== undefined) watch.broken(`A duplicate after the end changed ${changed}.`);
  const followed = queue.messages().length - published - tasks.size;
  if (followed > 0) watch.broken(`Duplicates after the end published ${followed} tasks.`);

  function picture(): string[] {
    const documents = [...workflows.all()].map(
      ({ record: { name }, revision }) => `${name} (revision ${revision})`,
    );
    const labels = [...new Set([...tasks.values()].map((task) => world.labelOf(task)))];
    return [...documents, ...labels.map((each) => `${each} (${provider.effects(each).length})`)];
  }
}

function violationOf({ watch }: SagaWorld): Violation | undefined {
  const violation = watch.violation();
  if (violation?.about === undefined) return violation;
  const { what, about } = violation;
  const saga = sagaOf(about);
  return { about: saga, what: saga === about ? what : `${about}: ${what}` };
}

/** One saga's lines are read together. */
function underSaga({ about, ...line }: TraceLine): TraceLine {
  if (about === undefined) return line;
  const saga = sagaOf(about);
  return { ...line, about: saga, what: saga === about ? line.what : `${about}: ${line.what}` };
}
