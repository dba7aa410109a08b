import { describe } from 'vitest';
import { archiveContract } from './token-store/archive.ts';
import { claimContract } from './token-store/claims.ts';
import { concurrencyContract } from './token-store/concurrency.ts';
import type { Backend } from './token-store/fixture.ts';
import { holderContract } from './token-store/holders.ts';
import { lateHolderContract } from './token-store/late-holders.ts';
import { listingContract } from './token-store/listings.ts';
import { lostAnswerContract } from './token-store/lost-answers.ts';
import { overrideEffectContract } from './token-store/override-effects.ts';
import { overrideContract } from './token-store/overrides.ts';
import { payloadContract } from './token-store/payloads.ts';
import { recordContract } from './token-store/records.ts';
import { retentionContract } from './token-store/retention.ts';
import { windowContract } from './token-store/windows.ts';

export type { Backend, OpenDocuments } from './token-store/fixture.ts';

/** What every token store promises, whatever it is made of. */
export function tokenStoreContract(backend: Backend): void {
  describe(`token store: ${backend.name}`, () => {
    claimContract(backend);
    holderContract(backend);
    lateHolderContract(backend);
    overrideContract(backend);
    overrideEffectContract(backend);
    recordContract(backend);
    retentionContract(backend);
    archiveContract(backend);
    listingContract(backend);
    windowContract(backend);
    concurrencyContract(backend);
    payloadContract(backend);
    lostAnswerContract(backend);
  });
}
