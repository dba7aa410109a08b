import { PubSub } from '@google-cloud/pubsub';
import { parseEntry } from '../../functions/src/cli/log-entry.ts';
import { compose } from '../../functions/src/compose.ts';
import { parseConfig } from '../../functions/src/config.ts';
import { PUBSUB_ANSWERS } from '../../functions/src/operation/outcome.ts';
import type { OutcomeKind } from '../../functions/src/operation/outcome.ts';
import { LOCAL, createTopics, localEnvironment, startFunctions } from '../dev/local-deployment.ts';
import { LOOPBACK, claimPort } from '../emulators/ports.ts';
import { startEmulators } from '../emulators/start.ts';
import { startDoubler } from './doubler.ts';
import type { Stage, StageOptions, StageWorker } from './stage.ts';

/** The deployed functions' own process, fed by a push subscription, on the emulators. Needs Java. */
export async function emulatorStage({ namespace, sandboxUrl }: StageOptions): Promise<Stage> {
  const emulators = await startEmulators(['firestore', 'pubsub'], () => ({}));
  const { firestore, pubsub } = emulators;
  const environment = localEnvironment(namespace, {
    firestore: firestore.host,
    pubsub: pubsub.host,
  });
  Object.assign(process.env, environment); // where Google's clients look for an emulator
  const silent = { decision() {}, event() {} };
  const { runtime, close } = await compose(parseConfig(environment), { telemetry: silent });
  const client = new PubSub({ projectId: LOCAL.project });
  const port = await claimPort('functions process', undefined);
  await createTopics(client, `http://${LOOPBACK}:${port}/`);
  const doubler = await startDoubler(client);
  const answered = new Set<string>();
  const workers: StageWorker[] = [];

  return {
    title: 'the Firestore and Pub/Sub emulators',
    namespace,
    store: runtime.store,
    atOnce: 1, // as on Google Cloud, pushes start slowly, and are held back while answers are late
    publishTwice: (tasks) => runtime.publisher.publish(tasks), // the doubler adds the copies
    async startWorker(log) {
      const worker = await startWorker(
        port,
        { ...environment, SANDBOX_URL: sandboxUrl },
        (line) => {
          const id = answeredMessage(line);
          if (id !== undefined) answered.add(id);
          log(line);
        },
      );
      workers.push(worker);
      return worker;
    },
    drained: async () => doubler.seen.size > 0 && [...doubler.seen].every((id) => answered.has(id)),
    async close() {
      await Promise.all(workers.map((worker) => worker.kill()));
      await doubler.stop();
      await client.close();
      await close();
      await emulators.stop();
    },
  };
}

async function startWorker(
  port: number,
  environment: Readonly<Record<string, string>>,
  log: (line: string) => void,
): Promise<StageWorker> {
  const { pid, exited, stop } = await startFunctions({ port, environment, log });
  const kill = async (): Promise<void> => {
    await stop(); // which is a SIGKILL
  };
  return { pid, exited, kill, stop: kill };
}

/** The message that a log line says will not be delivered again. */
function answeredMessage(line: string): string | undefined {
  const { outcome, messageId } = parseEntry(line)?.decision ?? {};
  if (outcome === undefined || !(outcome in PUBSUB_ANSWERS)) return undefined;
  return PUBSUB_ANSWERS[outcome as OutcomeKind].status < 300 ? messageId : undefined;
}
