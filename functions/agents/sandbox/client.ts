import type { z } from 'zod';
import { effectSchema, statusSchema } from './contract.ts';
import type {
  cancelSchema,
  chargeSchema,
  Effect,
  EffectStatus,
  genericSchema,
  refundSchema,
  releaseSchema,
  reserveSchema,
  shipSchema,
} from './contract.ts';
import { send } from './http-client.ts';
import type { Sending } from './http-client.ts';

export { SandboxFailure, SandboxRefusal } from './http-client.ts';
export type { Effect, EffectStatus } from './contract.ts';

interface CallOptions {
  signal?: AbortSignal | undefined;
}
/** A second call with the same key and body gets the first one's effect; another body is refused. */
export interface KeyedOptions extends CallOptions {
  idempotencyKey?: string | undefined;
}
/** A second call with the same tracking id is refused with `tracking_id_used` and the effect. */
export interface TrackedOptions extends CallOptions {
  trackingId?: string | undefined;
}

/** An effect that is in the provider's ledger. `replayed`: an earlier call with this key made it. */
export interface Accepted {
  effect: Effect;
  replayed: boolean;
}

type Untracked<T extends z.ZodType> = Omit<z.infer<T>, 'trackingId'>;

/**
 * The provider as the three agents see it. A call is sent once: a rejection that is no `SandboxRefusal`
 * leaves open whether the effect was made, and what follows from that is the step's to decide.
 */
export interface Sandbox {
  reserve: (body: Untracked<typeof reserveSchema>, options?: TrackedOptions) => Promise<Accepted>;
  release: (body: Untracked<typeof releaseSchema>, options?: TrackedOptions) => Promise<Accepted>;
  /** `absent` holds for good: whoever uses the tracking id later is refused once another has. */
  inventoryStatus: (trackingId: string, options?: CallOptions) => Promise<EffectStatus>;
  charge: (body: z.infer<typeof chargeSchema>, options?: KeyedOptions) => Promise<Accepted>;
  refund: (body: z.infer<typeof refundSchema>, options?: KeyedOptions) => Promise<Accepted>;
  ship: (body: z.infer<typeof shipSchema>, options?: CallOptions) => Promise<Accepted>;
  cancel: (body: z.infer<typeof cancelSchema>, options?: CallOptions) => Promise<Accepted>;
  plain: (body: Generic, options?: CallOptions) => Promise<Accepted>;
  keyed: (body: Generic, options?: KeyedOptions) => Promise<Accepted>;
  tracked: (body: Generic, options?: TrackedOptions) => Promise<Accepted>;
  trackedStatus: (trackingId: string, options?: CallOptions) => Promise<EffectStatus>;
}
type Generic = z.infer<typeof genericSchema>;

export function createSandbox(baseUrl: string): Sandbox {
  async function post(path: string, body: object, options: Omit<Sending, 'method'>) {
    const sending: Sending = { ...options, method: 'POST', body };
    const { value, headers } = await send(new URL(path, baseUrl), sending, effectSchema);
    return { effect: value, replayed: headers.get('idempotency-replayed') === 'true' };
  }
  const keyed =
    (path: string) =>
    (body: object, { idempotencyKey, signal }: KeyedOptions = {}): Promise<Accepted> =>
      post(path, body, { idempotencyKey, signal });
  const tracked =
    (path: string) =>
    (body: object, { trackingId, signal }: TrackedOptions = {}): Promise<Accepted> =>
      post(path, { ...body, trackingId }, { signal });
  const status =
    (path: string) =>
    async (trackingId: string, { signal }: CallOptions = {}): Promise<EffectStatus> => {
      const url = new URL(`${path}/${encodeURIComponent(trackingId)}`, baseUrl);
      return (await send(url, { method: 'GET', signal }, statusSchema)).value;
    };
  return {
    reserve: tracked('/inventory/reserve'),
    release: tracked('/inventory/release'),
    inventoryStatus: status('/inventory/status'),
    charge: keyed('/payments/charge'),
    refund: keyed('/payments/refund'),
    ship: keyed('/shipping/ship'),
    cancel: keyed('/shipping/cancel'),
    plain: keyed('/effects/plain'),
    keyed: keyed('/effects/keyed'),
    tracked: tracked('/effects/tracked'),
    trackedStatus: status('/effects/tracked/status'),
  };
}
