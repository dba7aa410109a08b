import { z } from 'zod';
import { balanceSchema } from './balance.ts';
import type { Balance } from './balance.ts';
import { effectSchema } from './contract.ts';
import type { Agent, Effect, EffectKind } from './contract.ts';
import type { FaultRequest } from './fault.ts';
import { send } from './http-client.ts';

const effectsSchema = z.object({ effects: z.array(effectSchema) });

export interface EffectsQuery {
  order?: string;
  agent?: Agent;
  kind?: EffectKind;
}

/** What a test or a demo does to the provider and reads off it; no step has a use for it. */
export interface SandboxAdmin {
  /** Sets how many of a sku there were at first. Safe to repeat. */
  stock: (sku: string, quantity: number) => Promise<void>;
  fault: (fault: FaultRequest) => Promise<void>;
  clearFaults: () => Promise<void>;
  /** Lets held calls go on, those of one order or all; resolves to how many there were. */
  release: (orderId?: string) => Promise<number>;
  /** In the order in which they were accepted. */
  effects: (query?: EffectsQuery) => Promise<Effect[]>;
  balance: () => Promise<Balance>;
}

export function createSandboxAdmin(baseUrl: string): SandboxAdmin {
  const at = (path: string): URL => new URL(path, baseUrl);
  const post = <T>(path: string, body: object, schema: z.ZodType<T>) =>
    send(at(path), { method: 'POST', body }, schema);
  return {
    stock: async (sku, quantity) =>
      void (await post('/admin/stock', { sku, quantity }, z.unknown())),
    fault: async (fault) => void (await post('/admin/faults', fault, z.unknown())),
    clearFaults: async () =>
      void (await send(at('/admin/faults'), { method: 'DELETE' }, z.unknown())),
    release: async (orderId) => {
      const schema = z.object({ released: z.int() });
      return (await post('/admin/release', { match: orderId }, schema)).value.released;
    },
    effects: async (query = {}) => {
      const url = at('/admin/effects');
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
      return (await send(url, { method: 'GET' }, effectsSchema)).value.effects;
    },
    balance: async () => (await send(at('/admin/balance'), { method: 'GET' }, balanceSchema)).value,
  };
}
