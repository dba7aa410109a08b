import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { PubSub } from '@google-cloud/pubsub';
import { keptSubscription } from '../../functions/src/names.ts';
import { startBoundProcess } from '../emulators/bound-process.ts';
import type { BoundProcess } from '../emulators/bound-process.ts';
import { LOOPBACK } from '../emulators/ports.ts';

/** The names of a deployment on this machine. `demo-` projects never reach Google Cloud. */
export const LOCAL = {
  project: 'demo-agent-once',
  taskTopic: 'tasks',
  deadLetterTopic: 'dead-letters',
  deadLetterSubscription: keptSubscription('dead-letters'),
  pushSubscription: 'run-task',
  blobBucket: 'agent-once-blobs',
  functionTimeoutSeconds: 540,
  ackDeadlineSeconds: 600,
} as const;

export interface LocalHosts {
  readonly firestore: string;
  readonly pubsub: string;
  readonly storage?: string;
}

/** What the functions, the CLI and Google's clients are told: how to find the deployment. */
export function localEnvironment(
  namespace: string,
  { firestore, pubsub, storage }: LocalHosts,
): Record<string, string> {
  return {
    GOOGLE_CLOUD_PROJECT: LOCAL.project,
    FIRESTORE_EMULATOR_HOST: firestore,
    PUBSUB_EMULATOR_HOST: pubsub,
    ...(storage !== undefined && { STORAGE_EMULATOR_HOST: `http://${storage}` }),
    METADATA_SERVER_DETECTION: 'none', // Google's clients would look for a cloud to be in
    AGENT_ONCE_STORE: 'firestore',
    AGENT_ONCE_NAMESPACE: namespace,
    AGENT_ONCE_TASK_TOPIC: LOCAL.taskTopic,
    AGENT_ONCE_DEAD_LETTER_TOPIC: LOCAL.deadLetterTopic,
    AGENT_ONCE_BLOB_BUCKET: LOCAL.blobBucket,
    FUNCTION_TIMEOUT_SECONDS: String(LOCAL.functionTimeoutSeconds),
    AGENT_ONCE_ACK_DEADLINE_SECONDS: String(LOCAL.ackDeadlineSeconds),
  };
}

/** Topics, the push subscription that feeds the functions, and one that keeps dead letters for `agent-once dead-letters`. */
export async function createTopics(pubsub: PubSub, pushEndpoint: string): Promise<void> {
  const [[tasks], [deadLetters]] = await Promise.all([
    pubsub.createTopic(LOCAL.taskTopic),
    pubsub.createTopic(LOCAL.deadLetterTopic),
  ]);
  await Promise.all([
    // Without a retry policy: under one, the emulator forgets messages whose endpoint was down for seconds.
    tasks.createSubscription(LOCAL.pushSubscription, {
      pushConfig: { pushEndpoint },
      ackDeadlineSeconds: LOCAL.ackDeadlineSeconds,
    }),
    deadLetters.createSubscription(LOCAL.deadLetterSubscription, { ackDeadlineSeconds: 60 }),
  ]);
}

const FRAMEWORK = createRequire(import.meta.url).resolve('@google-cloud/functions-framework');
const MAIN = fileURLToPath(new URL('../../functions/src/main.ts', import.meta.url));
const ONLY_LOOPBACK = new URL('loopback.ts', import.meta.url).href;

export interface FunctionsOptions {
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Receives each line that the functions log. */
  readonly log: (line: string) => void;
}

/** The functions as they are deployed, on functions-framework, in a process of their own. */
export function startFunctions({
  port,
  environment,
  log,
}: FunctionsOptions): Promise<BoundProcess> {
  return startBoundProcess({
    title: 'functions process',
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      `--import=${ONLY_LOOPBACK}`,
      FRAMEWORK.replace(/index\.js$/, 'main.js'),
      `--source=${MAIN}`,
      '--target=run-task',
      `--port=${port}`,
    ],
    env: environment,
    host: `${LOOPBACK}:${port}`,
    log,
  });
}
