import { afterEach, beforeEach } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { defineEntity } from '../../functions/src/engine/define-entity.ts';
import type { StateRuntime } from '../../functions/src/engine/versioned-state.ts';
import type { StateStore, StateWrite } from '../../functions/src/ports/state-store.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import { entityId } from '../../functions/src/workflow/state.ts';
import type { StateVersion } from '../../functions/src/workflow/state.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { faultyState } from './state-store-faults.ts';
import type { FaultyState } from './state-store-faults.ts';

/** One technology, empty. */
export interface OpenState {
  readonly store: StateStore;
  /** Lets the store's own time move on, however little. */
  later(): Promise<void>;
  close(): Promise<void>;
}

export interface StateBackend {
  readonly name: string;
  /** Twenty writers make so many updates each. */
  readonly updatesEach: number;
  open(): Promise<OpenState>;
}

export const SHOP = 'shop' as Namespace;
export const ACCOUNT = entityId('account', '4711');
export const account = defineEntity({
  name: 'account',
  schema: z.object({ balance: z.number() }),
}).of(SHOP, '4711');

export interface StateBench extends OpenState {
  readonly store: FaultyState;
  readonly runtime: StateRuntime;
  /** Writes `{"balance":n}`, the token made from `key`, at the version given. */
  put(ifVersion: number, key: string, more?: Partial<StateWrite>): ReturnType<StateStore['write']>;
  versions(): Promise<readonly StateVersion[]>;
}

export function tokenOf(key: string): Token {
  return keyToken(SHOP, key);
}

/** A fresh, empty store for each test of the block. */
export function stateBenchFor(backend: StateBackend): () => StateBench {
  let bench: StateBench | undefined;
  beforeEach(async () => {
    const open = await backend.open();
    const store = faultyState(open.store);
    bench = {
      ...open,
      store,
      runtime: { store, clock: systemClock, random: seededRandom(7) },
      put: (ifVersion, key, more = {}) =>
        store.write(SHOP, ACCOUNT, {
          ifVersion,
          token: tokenOf(key),
          schemaVersion: 1,
          text: `{"balance":${ifVersion + 1}}`,
          ...more,
        }),
      versions: async () => (await store.history(SHOP, ACCOUNT, { limit: 2_000 })).versions,
    };
  });
  afterEach(async () => {
    await bench?.close();
    bench = undefined;
  });
  return () => {
    if (!bench) throw new Error('No test is running.');
    return bench;
  };
}
