import { randomBytes } from 'node:crypto';
import { systemClock } from './adapters/system/clock.ts';
import { jsonLinesTelemetry } from './adapters/system/telemetry.ts';
import { guardCall } from './engine/once.ts';
import type { OnceAnswer, OnceRequest } from './engine/once.ts';
import { noBlobs } from './engine/payload.ts';
import { DEFAULT_LIMITS } from './engine/runtime.ts';
import type { Runtime } from './engine/runtime.ts';
import type { StepContext } from './engine/step.ts';
import { warmCache } from './engine/warm-cache.ts';
import type { BlobStore } from './ports/blob-store.ts';
import type { Telemetry } from './ports/telemetry.ts';
import type { TokenStore } from './ports/token-store.ts';

export interface OnceSurroundings {
  /** For results over 340 KiB. Without it such a result is not kept, though the call still counts as done. */
  readonly blobs?: BlobStore;
  readonly telemetry?: Telemetry;
}

const runtimes = new WeakMap<TokenStore, Runtime>();

/**
 * Guards one call in any program: runs `effect` at most once per request, and answers the recorded
 * result afterwards.
 *
 * @throws {OnceRefused} when there is no result to give; its `outcome` says why
 */
export function once<Params, Result>(
  store: TokenStore,
  request: OnceRequest<Params, Result>,
  effect: (context: StepContext<Params>) => Promise<Result> | Result,
  surroundings: OnceSurroundings = {},
): Promise<OnceAnswer<Result>> {
  return guardCall({ ...runtimeFor(store), ...surroundings }, request, effect);
}

/** One runtime a store, so that its warm cache lasts over calls. */
function runtimeFor(store: TokenStore): Runtime {
  const known = runtimes.get(store);
  if (known) return known;
  const runtime: Runtime = {
    store,
    blobs: noBlobs,
    publisher: {
      publish: async () => {},
      deadLetter: async () => {},
    },
    clock: systemClock,
    telemetry: jsonLinesTelemetry(),
    cache: warmCache(systemClock),
    newClaimId: () => randomBytes(16).toString('base64url'),
    random: Math.random,
    limits: DEFAULT_LIMITS,
  };
  runtimes.set(store, runtime);
  return runtime;
}
