import { makeTask } from '../../functions/src/engine/tasks.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import { FORGET_AFTER_MS } from '../../functions/src/retention/classes.ts';
import type { Dice } from './dice.ts';
import { createInstance } from './instance.ts';
import { ACTIONS, MOODS } from './steps.ts';
import type { Action, Mood, Params } from './steps.ts';
import { cancelTask } from './worker.ts';
import { BOUNDARY, NAMESPACE } from './world.ts';
import type { World } from './world.ts';

/** What an item of the workload must have come to in the end. */
export interface Expectation {
  readonly labels: readonly string[];
  /** How many operations its tasks are. */
  readonly operations: number;
  readonly deadLetters?: 'mismatch' | 'expired' | 'invalid';
}

interface Item extends Expectation {
  readonly tasks: readonly TaskMessage[];
  readonly cancelled?: true;
}

interface Maker {
  readonly dice: Dice;
  /** Many runs are mostly about one kind of effect. */
  readonly favourite: Action | undefined;
}

const MOOD_MIX: readonly Mood[] = [
  ...MOODS,
  ...Array.from({ length: 5 }, () => 'well' as const),
  ...(['hasty', 'hasty', 'long', 'long', 'forgetful'] as const),
];
const WINDOW_MS = 300_000;
const HOUR_MS = 3_600_000;

/** Has a few tasks made and published over `spanMs`, with duplicates, and says what is to become of them. */
export function publishWorkload(world: World, spanMs: number): Expectation[] {
  const { dice } = world;
  const maker = { dice, favourite: dice.chance(0.5) ? dice.pick(ACTIONS) : undefined };
  const count = dice.whole(2, 5);
  const items = Array.from({ length: count }, (_, index) => makeItem(maker, `t${index + 1}`));
  for (const item of items) {
    for (const task of item.tasks) publishSometimes(world, task, spanMs);
    if (item.cancelled) cancelSometime(world, item.tasks, spanMs);
  }
  return items;
}

function makeItem(maker: Maker, label: string): Item {
  const kind = maker.dice.random();
  if (kind < 0.16) return makeTwins(maker, label, true);
  if (kind < 0.22) return makeTwins(maker, label, false);
  if (kind < 0.29) return makeMismatch(maker, label);
  if (kind < 0.33) return makeInvalid(maker, label);
  if (kind < 0.37) return makeExpired(maker, label);
  const tasks = [keyed(label, followUp(maker, label, 2), BOUNDARY)];
  const plain = { labels: [label], operations: 1, tasks };
  return kind < 0.45 ? { ...plain, cancelled: true } : plain;
}

/**
 * One request made twice, on the two sides of a window's boundary, by makers whose clocks may be
 * wrong: one operation if it was made less than a window apart.
 */
function makeTwins(maker: Maker, label: string, together: boolean): Item {
  const { dice } = maker;
  const request = followUp(maker, label, 1);
  const apartMs = together
    ? dice.whole(1, WINDOW_MS - 1)
    : dice.whole(WINDOW_MS, Math.floor(1.4 * WINDOW_MS));
  const earlierMs = dice.whole(1, Math.min(apartMs, WINDOW_MS - 1));
  const skewMs = dice.pick([0, 0, -HOUR_MS, HOUR_MS]);
  const origin = { namespace: NAMESPACE, agent: 'twin' };
  const tasks = [-earlierMs, apartMs - earlierMs].map((ms) =>
    makeTask(request, origin, BOUNDARY + skewMs + ms),
  );
  return { labels: [label], operations: together ? 1 : 2, tasks };
}

/** One key used for two requests: the first to come has it. */
function makeMismatch(maker: Maker, label: string): Item {
  const labels = [label, `${label}-other`];
  const tasks = labels.map((each) => keyed(label, followUp(maker, each, 0), BOUNDARY));
  return { labels, operations: 1, tasks, deadLetters: 'mismatch' };
}

function makeInvalid({ dice }: Maker, label: string): Item {
  const action = dice.pick(['sim.unheard-of', 'sim.charge']);
  const tasks = [keyed(label, { action, params: { label, mood: 'none' } }, BOUNDARY)];
  return { labels: [label], operations: 0, tasks, deadLetters: 'invalid' };
}

function makeExpired(maker: Maker, label: string): Item {
  const madeAt = BOUNDARY - FORGET_AFTER_MS - 2 * HOUR_MS;
  const tasks = [keyed(label, followUp(maker, label, 0), madeAt)];
  return { labels: [label], operations: 0, tasks, deadLetters: 'expired' };
}

function keyed(
  key: string,
  request: { readonly action: string; readonly params: unknown },
  madeAt: number,
): TaskMessage {
  return makeTask(request, { namespace: NAMESPACE, agent: 'maker', key }, madeAt);
}

function followUp(
  maker: Maker,
  label: string,
  depth: number,
): { readonly action: Action; readonly params: Params } {
  const { dice, favourite } = maker;
  const mood = dice.pick(MOOD_MIX);
  const rare = mood === 'large' && !dice.chance(0.1);
  const children = depth > 0 && dice.chance(0.5) ? dice.whole(1, 2) : 0;
  const next = Array.from({ length: children }, (_, index) =>
    followUp(maker, `${label}.${index + 1}`, depth - 1),
  );
  const action = favourite !== undefined && dice.chance(0.7) ? favourite : dice.pick(ACTIONS);
  return { action, params: { label, mood: rare ? 'well' : mood, next } };
}

function publishSometimes(world: World, task: TaskMessage, spanMs: number): void {
  const { dice, scheduler, queue } = world;
  const times = dice.pick([1, 1, 1, 2, 3]);
  for (let time = 0; time < times; time += 1) {
    scheduler.after(dice.between(0, spanMs), undefined, () => queue.put(task));
  }
}

function cancelSometime(world: World, [task]: readonly TaskMessage[], spanMs: number): void {
  if (!task) return;
  const instance = createInstance(world, 'canceller', false);
  world.scheduler.after(world.dice.between(0, spanMs / 2), undefined, () => {
    void cancelTask(world, instance, task);
  });
}
