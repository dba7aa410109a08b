import type { TaskMessage } from '../../functions/src/index.ts';
import type { OperationRecord } from '../../functions/src/operation/record.ts';
import { orderTask } from './deployment.ts';

export const SKU = 'book';

/** What the provider has of an order that all three agents have done their part of. */
export const FULFILLED = { reserve: 1, charge: 1, ship: 1 };

/** The task that starts the worked example's workflow for an order. */
export function fulfilOrder(orderId: string): TaskMessage {
  const card = { amountCents: 100, card: 'visa' };
  return orderTask('order.fulfil', {
    orderId,
    sku: SKU,
    quantity: 1,
    ...card,
    address: 'Main St 1',
  });
}

/** A task of the first agent, on its own. */
export function reserveStock(orderId: string, quantity = 1): TaskMessage {
  return orderTask('inventory.reserve', { orderId, sku: SKU, quantity });
}

/** Recognises the last agent's operation for an order, once it is done. */
export function shipmentOf({ token }: TaskMessage): (record: OperationRecord) => boolean {
  return ({ root, action, status }) =>
    root === token && action === 'shipping.ship' && status === 'completed';
}
