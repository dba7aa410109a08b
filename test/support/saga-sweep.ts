import { NAMESPACE } from './deployment.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { PubSub } from '@google-cloud/pubsub';

import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { REDRIVE_AFTER_MS } from '../../functions/src/engine/plan-move.ts';
import { sweepAll } from '../../functions/src/engine/sweep-all.ts';
import type { SweptAll } from '../../functions/src/engine/sweep-all.ts';
import { registerSteps } from '../../functions/src/index.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { createWorkflowStore } from '../../functions/src/store/workflow-store.ts';
import { engineRuntime } from './engine-runtime.ts';
import { emulatedFirestore } from './firestore.ts';
import { publishesTwice } from './saga-topics.ts';
import { orderSaga } from './steps/saga.ts';

const SWEEP_EVERY_MS = 1_000;
/** A sweep looks after a workflow that nothing has happened to for so long, not for two minutes. */
const QUIET_MS = 3_000;

export interface Sweeping {
  readonly store: TokenStore;
  /** Ends the sweeping; resolves to all that it did. */
  stop(): Promise<SweptAll>;
  close(): Promise<void>;
}

export interface SweepAt {
  readonly firestore: string;
  readonly pubsub: string;
  readonly project: string;
  readonly workers: number;
  readonly shards: number;
}

/** Sweeps as a scheduler's function would, from this process, every second. */
export function sweepOnAndOn({ firestore, pubsub, project, workers, shards }: SweepAt): Sweeping {
  const documents = firestoreDocuments(emulatedFirestore(firestore, project), systemClock);
  const store = createTokenStore(documents, { shards });
  const early = () => documents.now() + REDRIVE_AFTER_MS - QUIET_MS;
  const workflows = createWorkflowStore(documents, early);
  const client = new PubSub({ projectId: project, apiEndpoint: pubsub, emulatorMode: true });
  const publisher = publishesTwice(client, workers);
  const runtime = engineRuntime({ ...store, workflows }, { publisher });
  const steps = registerSteps([], [orderSaga]);
  const stopping = new AbortController();

  async function sweeping(): Promise<SweptAll> {
    let total: SweptAll = { redriven: 0, published: 0, moved: 0, versions: 0, failed: 0 };
    while (!stopping.signal.aborted) {
      total = sum(total, await sweepAll(runtime, steps, NAMESPACE));
      await delay(SWEEP_EVERY_MS, undefined, stopping).catch(() => {});
    }
    return total;
  }

  const swept = sweeping();
  return {
    store,
    stop() {
      stopping.abort();
      return swept;
    },
    async close() {
      stopping.abort();
      await Promise.allSettled([swept]);
      await Promise.all([client.close(), store.close()]);
    },
  };
}

function sum(one: SweptAll, other: SweptAll): SweptAll {
  return {
    redriven: one.redriven + other.redriven,
    published: one.published + other.published,
    moved: one.moved + other.moved,
    versions: one.versions + other.versions,
    failed: one.failed + other.failed,
  };
}
