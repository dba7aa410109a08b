/*
 * Run as a process of its own: node claim-from-process.ts <file> <name> <tokens>
 *
 * Says that it is ready, and at a word from its parent claims that many tokens of the store in the file
 * and tells which it won.
 */
import { embeddedStore } from '../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import { claimRequest } from './operation-records.ts';

const [path = '', name = '', tokens = ''] = process.argv.slice(2);

const store = embeddedStore(path, systemClock);
process.once('message', () => void claimAll());
process.send?.('ready');

async function claimAll(): Promise<void> {
  const madeAt = Date.now();
  const { namespace } = claimRequest().facts;
  const won: number[] = [];
  for (let number = 0; number < Number(tokens); number += 1) {
    const token = keyToken(namespace, `order-${number}`);
    const claimId = `${name}-${number}`;
    const request = claimRequest({ token, madeAt }, { claimId, leaseMs: 60_000 });
    const { kind } = await store.claim(request);
    if (kind === 'claimed') won.push(number);
  }
  await store.close();
  process.send?.(won);
}
