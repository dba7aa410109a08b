import { createSandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import type { Effect } from '../../functions/agents/sandbox/contract.ts';
import type { SandboxEvent } from '../../functions/agents/sandbox/events.ts';
import type { RunningSandbox } from '../../functions/agents/sandbox/start.ts';
import { parseEntry } from '../../functions/src/cli/log-entry.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import { narrator } from './narrator.ts';
import { SKU, unitsFor } from './orders.ts';
import type { PlacedOrder } from './orders.ts';
import type { Stage } from './stage.ts';
import type { Timeline } from './timeline.ts';
import { aborted, completed, operationsOf, settled, whileUp } from './waiting.ts';

/** All that can be counted once the play is over. */
export interface Played {
  readonly operations: readonly StoredOperation[];
  readonly effects: readonly Effect[];
  /** Deliveries that ended in a decision, by action. */
  readonly decided: ReadonlyMap<string, number>;
  /** Deliveries that a kill cut off before any decision. */
  readonly cutOff: number;
  readonly kills: number;
}

const SHOWN_ORDERS = 3;
const CHARGE = '/payments/charge';
const GIVE_UP_AFTER_MS = 60_000;
const MORE_PER_ORDER_MS = 1_000;

/**
 * Places the orders twice, kills the worker at the instant when the first ones are charged, none of those
 * charges is recorded and nothing else is going on; starts another worker, and waits until all is
 * settled. Killed at any other time, a parcel might be left in doubt, which only a person can resolve.
 */
export async function play(
  stage: Stage,
  sandbox: RunningSandbox,
  orders: readonly PlacedOrder[],
  timeline: Timeline,
): Promise<Played> {
  const admin = createSandboxAdmin(sandbox.url);
  const decided = new Map<string, number>();
  const { provider, decision } = narrator(timeline, orders, SHOWN_ORDERS);
  sandbox.events.on('event', provider);
  const listenTo = (who: string) => (line: string) => {
    const entry = parseEntry(line);
    if (!entry?.decision) return;
    decided.set(entry.decision.action, (decided.get(entry.decision.action) ?? 0) + 1);
    decision(who, entry.decision, entry.time);
  };

  await admin.stock(SKU, unitsFor(orders));
  const patience = GIVE_UP_AFTER_MS + MORE_PER_ORDER_MS * orders.length;
  const struck = orders.slice(0, stage.atOnce);
  const spared = orders.slice(stage.atOnce);
  for (const { orderId } of struck) {
    await admin.fault({ fault: 'hold_answer', path: CHARGE, match: orderId });
  }
  const first = await stage.startWorker(listenTo('worker 1'));
  timeline.add('demo', `worker 1 is up: process ${first.pid}, on ${stage.title}`);

  const charged = heldCharges(sandbox, struck.length);
  charged.catch(() => {}); // told where it is awaited
  timeline.add('demo', `publishes inventory.reserve for ${named(orders)}, twice`);
  await stage.publishTwice(orders.map(({ task }) => task));
  await whileUp(first, patience, async (signal) => {
    await completed(stage, spared, signal);
    await Promise.race([charged, aborted(signal)]);
  });
  await first.kill();
  const what = struck.length === 1 ? 'a card is' : `${struck.length} cards are`;
  timeline.add('demo', `SIGKILL to worker 1: ${what} charged, and nobody has recorded it`);

  const cutOff = await admin.release();
  const second = await stage.startWorker(listenTo('worker 2'));
  timeline.add('demo', `worker 2 is up: process ${second.pid}`);
  await whileUp(second, patience, (signal) => settled(stage, orders, signal));
  await second.stop();
  return {
    operations: await operationsOf(stage, orders),
    effects: await admin.effects(),
    decided,
    cutOff,
    kills: 1,
  };
}

function named(orders: readonly PlacedOrder[]): string {
  return orders.length === 1 ? (orders[0]?.orderId ?? '') : `${orders.length} orders`;
}

/** Resolves when so many charges are made and wait to be answered. */
async function heldCharges(sandbox: RunningSandbox, count: number): Promise<void> {
  const isHeld = ({ event, path }: SandboxEvent): boolean => event === 'held' && path === CHARGE;
  let held = 0;
  await sandbox.next((event) => isHeld(event) && ++held === count);
}
