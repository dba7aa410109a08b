import type { Effect } from './contract.ts';

/** One call or query on its way through the provider; `request` counts from 1 in each process. */
export interface Exchange {
  request: number;
  method: string;
  path: string;
  orderId: string | null;
}

type Happening =
  | { event: 'received'; idempotencyKey: string | null; trackingId: string | null }
  | { event: 'held'; before: 'effect' | 'answer' }
  | { event: 'effect'; effect: Effect }
  | { event: 'replayed'; effect: Effect }
  | { event: 'answered'; status: number }
  | { event: 'request-lost' }
  | { event: 'answer-lost'; by: 'fault' | 'caller' };

/**
 * One line on the provider's standard output. `received` is out before the effect is written, `effect`
 * after it is durable; `replayed` says that a call found its effect already made. `answered` means
 * handed to the network; a caller that hung up first makes it `answer-lost` by `caller`.
 */
export type SandboxEvent = Happening & Exchange & { at: string };

/** Where the provider reports what happened to an exchange. */
export type Emit = (exchange: Exchange, happening: Happening) => void;
