import { fulfilOrder } from '../../functions/agents/order/fulfil.ts';
import type { Order } from '../../functions/agents/order/order.ts';
import { planTurn } from '../../functions/agents/planner/steps.ts';
import type { EffectKind } from '../../functions/agents/sandbox/contract.ts';
import { childToken, makeTask } from '../../functions/src/index.ts';
import type { Namespace, TaskMessage, Token } from '../../functions/src/index.ts';

/** One operation that a scene consists of, and what it does at the provider, if anything. */
export interface Act {
  readonly action: string;
  readonly token: Token;
  /** How it must end. */
  readonly ends: 'completed' | 'failed';
  readonly kind?: EffectKind;
  /** Where its recorded result names the effect. */
  readonly resultField?: string;
}

/** One thing that somebody asks for, by its first task, and all that must come of it. */
export interface Scene {
  /** Known to the provider as the order's id. */
  readonly name: string;
  readonly task: TaskMessage;
  readonly acts: readonly Act[];
  /** The provider's call at whose answer the worker is killed. */
  readonly strikeAt: string;
}

export const SKU = 'lamp';
const QUANTITY = 2;

/** Orders that go through, one whose parcel can't be delivered, and a trip that an agent plans. */
export function makeScenes(orders: number, namespace: Namespace): Scene[] {
  const delivered = Array.from({ length: orders }, (_, index) =>
    order(`order-${index + 1}`, `${index + 1} Main Street`, namespace),
  );
  return [...delivered, order(`order-${orders + 1}`, 'undeliverable', namespace), trip(namespace)];
}

export function unitsFor(scenes: readonly Scene[]): number {
  return QUANTITY * scenes.length;
}

function order(orderId: string, address: string, namespace: Namespace): Scene {
  const placed: Order = {
    orderId,
    sku: SKU,
    quantity: QUANTITY,
    amountCents: 4_990,
    card: `card-for-${orderId}`,
    address,
  };
  const origin = { namespace, agent: 'shop', key: orderId };
  const task = makeTask(fulfilOrder.task(placed), origin, Date.now());
  const { root } = task;
  const member = (path: string): Token => childToken(root, `order.fulfil/${path}`, 0);
  const refused = address === 'undeliverable';
  return {
    name: orderId,
    task,
    strikeAt: '/payments/charge',
    acts: [
      { action: 'order.fulfil', token: root, ends: 'completed' },
      {
        action: 'inventory.reserve',
        token: member('reserve'),
        ends: 'completed',
        kind: 'reserve',
        resultField: 'reservationId',
      },
      {
        action: 'payments.charge',
        token: member('charge'),
        ends: 'completed',
        kind: 'charge',
        resultField: 'chargeId',
      },
      ...(refused ? takenBack(member) : [shipped(member)]),
    ],
  };
}

function shipped(member: (path: string) => Token): Act {
  return {
    action: 'shipping.ship',
    token: member('ship'),
    ends: 'completed',
    kind: 'ship',
    resultField: 'shipmentId',
  };
}

function takenBack(member: (path: string) => Token): Act[] {
  return [
    { action: 'shipping.ship', token: member('ship'), ends: 'failed' },
    {
      action: 'payments.refund',
      token: member('charge~undo'),
      ends: 'completed',
      kind: 'refund',
      resultField: 'refundId',
    },
    {
      action: 'inventory.release',
      token: member('reserve~undo'),
      ends: 'completed',
      kind: 'release',
      resultField: 'releaseId',
    },
  ];
}

/** Turns of the model and tool calls by turns, as the scripted model plans them. */
function trip(namespace: Namespace): Scene {
  const name = 'trip-1';
  const origin = { namespace, agent: 'travel', key: name };
  const task = makeTask(planTurn.task({ goal: name }), origin, Date.now());
  const following: readonly Omit<Act, 'token' | 'ends'>[] = [
    { action: 'tools.search' },
    { action: 'planner.turn' },
    { action: 'tools.book', kind: 'tracked', resultField: 'bookingId' },
    { action: 'planner.turn' },
    { action: 'tools.pay', kind: 'keyed', resultField: 'paymentId' },
    { action: 'planner.turn' },
  ];
  let { path } = task;
  const acts = following.map((act): Act => {
    path = `${path}/${act.action}`;
    return { ...act, token: childToken(task.root, path, 0), ends: 'completed' };
  });
  const first: Act = { action: 'planner.turn', token: task.token, ends: 'completed' };
  return { name, task, strikeAt: '/effects/keyed', acts: [first, ...acts] };
}
