import { createSandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import type { Effect } from '../../functions/agents/sandbox/contract.ts';
import type { SandboxEvent } from '../../functions/agents/sandbox/events.ts';
import type { RunningSandbox } from '../../functions/agents/sandbox/start.ts';
import { parseEntry } from '../../functions/src/cli/log-entry.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import { narrator } from './narrator.ts';
import { SKU, unitsFor } from './scenes.ts';
import type { Scene } from './scenes.ts';
import type { Stage } from './stage.ts';
import type { Timeline } from './timeline.ts';
import { aborted, completed, operationsOf, settled, whileUp } from './waiting.ts';

/** All that can be counted once the play is over. */
export interface Played {
  readonly operations: readonly StoredOperation[];
  readonly effects: readonly Effect[];
  /** Deliveries that ended in a decision, by action. */
  readonly decided: ReadonlyMap<string, number>;
  /** Deliveries that a kill cut off before any decision, by action. */
  readonly cutOff: ReadonlyMap<string, number>;
  readonly kills: number;
}

const GIVE_UP_AFTER_MS = 60_000;
const MORE_PER_SCENE_MS = 1_000;
/** What runs at the provider's calls where a worker is killed. */
const STRUCK: Readonly<Record<string, string>> = {
  '/payments/charge': 'payments.charge',
  '/effects/keyed': 'tools.pay',
};

/**
 * Publishes every first task twice, kills the worker at the instant when cards are charged and a payment
 * is made, none of that is recorded and nothing else is going on; starts another worker, and waits until
 * all is settled. Killed at any other time, a parcel might be left in doubt, which only a person can
 * resolve.
 */
export async function play(
  stage: Stage,
  sandbox: RunningSandbox,
  scenes: readonly Scene[],
  timeline: Timeline,
): Promise<Played> {
  const admin = createSandboxAdmin(sandbox.url);
  const decided = new Map<string, number>();
  const { provider, decision } = narrator(timeline, [...scenes.slice(0, 1), ...scenes.slice(-2)]);
  sandbox.events.on('event', provider);
  const listenTo = (who: string) => (line: string) => {
    const entry = parseEntry(line);
    if (!entry?.decision) return;
    decided.set(entry.decision.action, (decided.get(entry.decision.action) ?? 0) + 1);
    decision(who, entry.decision, entry.time);
  };

  await admin.stock(SKU, unitsFor(scenes));
  const patience = GIVE_UP_AFTER_MS + MORE_PER_SCENE_MS * scenes.length;
  const struck = scenes.slice(0, stage.atOnce);
  const spared = scenes.slice(stage.atOnce);
  for (const { name, strikeAt } of struck) {
    await admin.fault({ fault: 'hold_answer', path: strikeAt, match: name });
  }
  const first = await stage.startWorker(listenTo('worker 1'));
  timeline.add('demo', `worker 1 is up: process ${first.pid}, on ${stage.title}`);

  const charged = heldAnswers(sandbox, struck.length);
  charged.catch(() => {}); // told where it is awaited
  timeline.add('demo', `publishes ${scenes.length} first tasks, each twice: ${named(scenes)}`);
  await stage.publishTwice(scenes.map(({ task }) => task));
  await whileUp(first, patience, async (signal) => {
    await completed(stage, spared, signal);
    await Promise.race([charged, aborted(signal)]);
  });
  await first.kill();
  const what = struck.length === 1 ? 'a card is' : `${struck.length} times money is`;
  timeline.add('demo', `SIGKILL to worker 1: ${what} taken, and nobody has recorded it`);

  await admin.release();
  const second = await stage.startWorker(listenTo('worker 2'));
  timeline.add('demo', `worker 2 is up: process ${second.pid}`);
  await whileUp(second, patience, (signal) => settled(stage, scenes, signal));
  await second.stop();
  return {
    operations: await operationsOf(stage, scenes),
    effects: await admin.effects(),
    decided,
    cutOff: countBy(struck.map(({ strikeAt }) => STRUCK[strikeAt] ?? strikeAt)),
    kills: 1,
  };
}

function named(scenes: readonly Scene[]): string {
  const names = scenes.map(({ name }) => name);
  return names.length <= 4
    ? names.join(', ')
    : `${names[0]} to ${names.at(-2)}, and ${names.at(-1)}`;
}

function countBy(actions: readonly string[]): ReadonlyMap<string, number> {
  return new Map(
    [...Map.groupBy(actions, (action) => action)].map(([action, all]) => [action, all.length]),
  );
}

/** Resolves when so many effects are made and wait to be answered. */
async function heldAnswers(sandbox: RunningSandbox, count: number): Promise<void> {
  let held = 0;
  await sandbox.next(({ event }: SandboxEvent) => event === 'held' && ++held === count);
}
