import type { Clock } from '../../ports/clock.ts';
import type { TokenStore } from '../../ports/token-store.ts';
import { createTokenStore } from '../../store/token-store.ts';
import type { TokenStoreOptions } from '../../store/token-store.ts';
import { embeddedDocuments } from './documents.ts';

/** A token store on this machine: a file that processes share, or `:memory:`. Needs no service. */
export function embeddedStore(
  path: string,
  clock: Clock,
  options: TokenStoreOptions = {},
): TokenStore {
  return createTokenStore(embeddedDocuments(path, clock), options);
}
