import { fileURLToPath } from 'node:url';

import { parseEntry } from '../../functions/src/cli/log-entry.ts';
import { startBoundProcess } from '../../scripts/emulators/bound-process.ts';
import { LOOPBACK, claimPort } from '../../scripts/emulators/ports.ts';
import type { Deployment } from './deployment.ts';
import { frameworkArguments } from './functions-process.ts';
import { topicOf } from './saga-topics.ts';

const SOURCE = fileURLToPath(new URL('saga-functions.ts', import.meta.url));

/** Workers that are killed and started again, each behind a port and a topic of its own. */
export interface SagaWorkers {
  /** Resolves once two serve, so that one can be killed and work never stands still. */
  ready(): Promise<void>;
  /** SIGKILL to one of those that serve, and its start again. Resolves once it is gone. */
  kill(random: () => number): Promise<void>;
  /** Resolves once all serve. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

interface Worker {
  readonly port: number;
  stop(): Promise<void>;
}

export async function startSagaWorkers(
  { env, log, pubsub }: Pick<Deployment, 'env' | 'log' | 'pubsub'>,
  { workers, leaseMs, cache }: { workers: number; leaseMs: number; cache: string },
): Promise<SagaWorkers> {
  const own = {
    ...env,
    STEP_LEASE_MS: String(leaseMs),
    SAGA_WORKERS: String(workers),
    NODE_COMPILE_CACHE: cache,
  };
  const serving: Worker[] = [];
  const starting = new Set<Promise<void>>();
  const failures: unknown[] = [];

  async function start(port: number): Promise<void> {
    const args = frameworkArguments('under test', port).map((argument) =>
      argument.startsWith('--source=') ? `--source=${SOURCE}` : argument,
    );
    const { stop } = await startBoundProcess({
      title: 'saga worker',
      command: process.execPath,
      args,
      env: own,
      host: `${LOOPBACK}:${port}`,
      log(line) {
        const entry = parseEntry(line);
        if (entry) log.add(entry);
      },
    });
    serving.push({ port, stop });
  }

  function startAgain(port: number): void {
    const started = start(port)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => starting.delete(started));
    starting.add(started);
  }

  async function settled(): Promise<void> {
    await Promise.all(starting);
    throwFailures();
  }

  function throwFailures(): void {
    if (failures.length > 0) throw new AggregateError(failures, 'A worker did not start again.');
  }

  await Promise.all(
    Array.from({ length: workers }, async (_, worker) => {
      const port = await claimPort('saga worker', undefined);
      await Promise.all([start(port), pubsub.addTopic(topicOf(worker))]);
      await pubsub.push({ topic: topicOf(worker), port });
    }),
  );

  return {
    async ready() {
      while (serving.length < 2 && starting.size > 0) await Promise.race(starting);
      throwFailures();
    },
    async kill(random) {
      const [worker] = serving.splice(Math.floor(random() * serving.length), 1);
      if (!worker) return;
      await worker.stop();
      startAgain(worker.port);
    },
    settled,
    async close() {
      await Promise.allSettled(starting);
      await Promise.all(serving.map(({ stop }) => stop()));
    },
  };
}
