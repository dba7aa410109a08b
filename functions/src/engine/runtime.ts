import type { BlobStore } from '../ports/blob-store.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import type { Clock } from '../ports/clock.ts';
import type { PublishedState } from '../ports/published-state.ts';
import type { TaskPublisher } from '../ports/task-publisher.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import type { TokenStore } from '../ports/token-store.ts';
import type { WarmCache } from './warm-cache.ts';

/** All that the engine reaches the world through. */
export interface Runtime {
  readonly store: TokenStore;
  readonly blobs: BlobStore;
  /** Where the payloads of archived operations lie. Without it they can't be read. */
  readonly cold?: ColdStorage;
  readonly publisher: TaskPublisher;
  /** Where versions of state are published, if they are. */
  readonly publishedState?: PublishedState;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  readonly cache: WarmCache;
  /** A fresh claim id: at least 128 random bits. */
  newClaimId(): string;
  /** From 0 to below 1; spreads retries. */
  random(): number;
  readonly limits: RuntimeLimits;
}

export interface RuntimeLimits {
  /** How long to wait for a claim's answer before the effect is refused: fail closed. */
  readonly claimAnswerMs: number;
  /** How long to wait for a record's answer, the effect being done. */
  readonly recordAnswerMs: number;
}

/** Design figures: fail closed within 5 s; a result that is paid for is worth waiting longer for. */
export const DEFAULT_LIMITS: RuntimeLimits = { claimAnswerMs: 4_500, recordAnswerMs: 20_000 };
