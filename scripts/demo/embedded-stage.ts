import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { compose } from '../../functions/src/compose.ts';
import { embeddedConfig } from './embedded-config.ts';
import type { Stage, StageOptions, StageWorker } from './stage.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Everything in one SQLite file. Needs nothing but Node. */
export async function embeddedStage({
  folder,
  namespace,
  sandboxUrl,
  scenes,
}: StageOptions): Promise<Stage> {
  const file = join(folder, 'agent-once.sqlite');
  const silent = { decision() {}, event() {} };
  const config = embeddedConfig(file, namespace);
  const { runtime, queue, close } = await compose(config, { telemetry: silent });
  const workers: StageWorker[] = [];
  return {
    title: 'the embedded store',
    namespace,
    store: runtime.store,
    atOnce: scenes,
    options: `--store embedded:${file} --namespace ${namespace}`,
    publishTwice: (tasks) => runtime.publisher.publish([...tasks, ...tasks]),
    async startWorker(log) {
      const worker = await startWorker([file, namespace, String(2 * scenes + 2)], sandboxUrl, log);
      workers.push(worker);
      return worker;
    },
    drained: async () => queue?.nextVisibleAt() === undefined,
    async close() {
      await Promise.all(workers.map((worker) => worker.kill()));
      await close();
    },
  };
}

async function startWorker(
  args: readonly string[],
  sandboxUrl: string,
  log: (line: string) => void,
): Promise<StageWorker> {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', WORKER, ...args],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, SANDBOX_URL: sandboxUrl, GEMINI_MODEL: undefined },
    },
  );
  const exited = once(child, 'close').then(() => {});
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    ready.resolve();
    log(line);
  });
  void exited.then(() => ready.reject(new Error('The worker ended before it was ready.')));
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  await ready.promise;
  return { pid: child.pid ?? 0, exited, kill: () => end('SIGKILL'), stop: () => end('SIGTERM') };
}
