import type { Effect, EffectKind } from './contract.ts';

/** What the provider's rules may ask of the ledger; read inside the transaction that writes. */
export interface Books {
  available: (sku: string) => number;
  find: (effectId: string) => Effect | undefined;
  /** What later effects have taken back of this one. */
  reversed: (effectId: string) => { count: number; quantity: number; amountCents: number };
}

/** What the ledger writes of an accepted call; a field left out does not apply to it. */
export type Entry = Partial<Pick<Effect, 'sku' | 'quantity' | 'amountCents' | 'reverses'>>;

export interface Refusal {
  status: number;
  code: string;
  message: string;
  effect?: Effect;
}

export type Decision = { entry: Entry } | { refusal: Refusal };

export function refuse(status: number, code: string, message: string): Decision {
  return { refusal: { status, code, message } };
}

/** Finds the effect to take back, which must be this order's own, or refuses with a 404. */
export function reversal(
  books: Books,
  wanted: { kind: EffectKind; noun: string; id: string; orderId: string },
  decide: (made: Effect) => Decision,
): Decision {
  const made = books.find(wanted.id);
  if (made?.kind === wanted.kind && made.orderId === wanted.orderId) return decide(made);
  const message = `order ${wanted.orderId} has no ${wanted.noun} ${wanted.id}`;
  return refuse(404, `unknown_${wanted.noun}`, message);
}
