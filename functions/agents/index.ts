import type { AnyStep } from 'agent-once';
import { reserveStock } from './order/inventory.ts';
import { chargeCard } from './order/payments.ts';
import { shipParcel } from './order/shipping.ts';

/** The steps that this deployment runs. Add yours here. */
export const steps: readonly AnyStep[] = [reserveStock, chargeCard, shipParcel];
