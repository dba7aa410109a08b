import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { StateStore } from '../../functions/src/ports/state-store.ts';
import type { WriteFate } from '../support/faulty-documents.ts';

export interface FaultyState extends StateStore {
  /** Befalls the next write; `meanwhile` happens after it, before its sender goes on. */
  befall(fate: WriteFate, meanwhile?: () => Promise<unknown>): void;
}

/** A state store behind a network: writes fare as told, everything else passes unchanged. */
export function faultyState(store: StateStore): FaultyState {
  const fates: { fate: WriteFate; meanwhile: () => Promise<unknown> }[] = [];
  return {
    ...store,
    befall: (fate, meanwhile = async () => {}) => void fates.push({ fate, meanwhile }),
    async write(namespace, entity, write) {
      const next = fates.shift();
      if (!next) return store.write(namespace, entity, write);
      if (next.fate !== 'request lost') await store.write(namespace, entity, write);
      await next.meanwhile();
      if (next.fate === 'repeated') return store.write(namespace, entity, write);
      throw new StoreAway(`The ${next.fate.replace(' lost', '')} was lost on its way.`);
    },
  };
}
