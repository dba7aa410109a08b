/*
 * Run as a worker thread: claims tokens of a store on a file, after all threads are ready, and tells
 * which it won.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { embeddedStore } from '../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import { claimRequest } from './operation-records.ts';

const { path, thread, tokens } = workerData as { path: string; thread: string; tokens: number };

const store = embeddedStore(path, systemClock);
parentPort?.postMessage('ready');
parentPort?.once('message', () => void claimAll());

async function claimAll(): Promise<void> {
  const madeAt = Date.now();
  const { namespace } = claimRequest().facts;
  const won: number[] = [];
  for (let number = 0; number < tokens; number += 1) {
    const token = keyToken(namespace, `order-${number}`);
    const request = claimRequest(
      { token, madeAt },
      { claimId: `${thread}-${number}`, leaseMs: 60_000 },
    );
    const { kind } = await store.claim(request);
    if (kind === 'claimed') won.push(number);
  }
  await store.close();
  parentPort?.postMessage(won);
}
