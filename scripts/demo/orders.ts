import { reserveStock } from '../../functions/agents/order/inventory.ts';
import type { Order } from '../../functions/agents/order/order.ts';
import type { EffectKind } from '../../functions/agents/sandbox/contract.ts';
import { childToken, makeTask } from '../../functions/src/index.ts';
import type { Namespace, TaskMessage, Token } from '../../functions/src/index.ts';

/** The three steps of an order, and what each does at the provider. */
export const STEPS = [
  { action: 'inventory.reserve', kind: 'reserve', resultField: 'reservationId' },
  { action: 'payments.charge', kind: 'charge', resultField: 'chargeId' },
  { action: 'shipping.ship', kind: 'ship', resultField: 'shipmentId' },
] as const satisfies readonly { action: string; kind: EffectKind; resultField: string }[];

export const SKU = 'lamp';
const QUANTITY = 2;

export interface PlacedOrder {
  readonly orderId: string;
  readonly task: TaskMessage;
  /** Of its three steps, in order. */
  readonly tokens: readonly Token[];
}

/** Orders that nobody has placed yet: the order's number is the operation's key. */
export function makeOrders(count: number, namespace: Namespace): PlacedOrder[] {
  return Array.from({ length: count }, (_, index) => {
    const orderId = `order-${index + 1}`;
    const order: Order = {
      orderId,
      sku: SKU,
      quantity: QUANTITY,
      amountCents: 4_990,
      card: `card-of-customer-${index + 1}`,
      address: `${index + 1} Main Street`,
    };
    const origin = { namespace, agent: 'shop', key: orderId };
    const task = makeTask(reserveStock.task(order), origin, Date.now());
    return { orderId, task, tokens: tokensUnder(task) };
  });
}

export function unitsFor(orders: readonly PlacedOrder[]): number {
  return QUANTITY * orders.length;
}

function tokensUnder(first: TaskMessage): Token[] {
  let { path } = first;
  const following = STEPS.slice(1).map(({ action }) => {
    path = `${path}/${action}`;
    return childToken(first.root, path, 0);
  });
  return [first.token, ...following];
}
