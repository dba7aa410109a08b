import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createSandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import type { SandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import type { SandboxEvent } from '../../functions/agents/sandbox/events.ts';
import { startSandbox } from '../../functions/agents/sandbox/start.ts';
import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import { makeTask } from '../../functions/src/index.ts';
import type { Namespace, TaskMessage } from '../../functions/src/index.ts';
import { startFunctions } from './functions-process.ts';
import type { FunctionsProcess, Source } from './functions-process.ts';
import { DEAD_LETTER_TOPIC, TASK_TOPIC, openPubsub } from './pubsub-fixture.ts';
import type { PubsubFixture } from './pubsub-fixture.ts';
import { seen } from './seen.ts';
import type { Seen } from './seen.ts';
import { watchOperations } from './watched-operations.ts';
import type { WatchedOperations } from './watched-operations.ts';

export const NAMESPACE = 'shop' as Namespace;

export interface Hosts {
  readonly firestore: string;
  readonly pubsub: string;
}

export interface StartOptions {
  readonly source: Source;
  readonly port?: number;
  readonly leaseMs?: number;
  /** Where this process finds Firestore, if not at the emulator itself. */
  readonly firestore?: string;
}

/** All that a test's functions need, apart from every other test's: a project, a provider, topics. */
export interface Deployment {
  /** How its functions, and a CLI, are told where everything is. */
  readonly env: Readonly<Record<string, string>>;
  readonly provider: SandboxAdmin;
  readonly providerEvents: Seen<SandboxEvent>;
  readonly pubsub: PubsubFixture;
  readonly operations: WatchedOperations;
  /** What all of its functions processes have logged. */
  readonly log: Seen<LogEntry>;
  /** Starts a functions process, killed at the latest by `close`. */
  start(options: StartOptions): Promise<FunctionsProcess>;
  close(): Promise<void>;
}

export async function deploy(hosts: Hosts): Promise<Deployment> {
  const project = `demo-${randomUUID().slice(0, 8)}`;
  const folder = await mkdtemp(join(tmpdir(), 'provider-'));
  const [sandbox, pubsub] = await Promise.all([
    startSandbox({ ledger: join(folder, 'ledger.sqlite') }),
    openPubsub(hosts.pubsub, project),
  ]);
  const providerEvents = seen<SandboxEvent>();
  sandbox.events.on('event', (event) => providerEvents.add(event));
  const operations = watchOperations(hosts.firestore, project);
  const log = seen<LogEntry>();
  const running: FunctionsProcess[] = [];

  const env = { ...environment(project, hosts), SANDBOX_URL: sandbox.url };
  return {
    env,
    provider: createSandboxAdmin(sandbox.url),
    providerEvents,
    pubsub,
    operations,
    log,
    async start({ source, port, leaseMs = 2_000, firestore = hosts.firestore }) {
      const started = await startFunctions({
        source,
        env: { ...env, FIRESTORE_EMULATOR_HOST: firestore, STEP_LEASE_MS: String(leaseMs) },
        log,
        ...(port !== undefined && { port }),
      });
      running.push(started);
      return started;
    },
    async close() {
      await Promise.all(running.map((each) => each.kill()));
      await Promise.all([sandbox.stop(), pubsub.close(), operations.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The configuration of functions on the emulators. */
export function environment(project: string, { firestore, pubsub }: Hosts): Record<string, string> {
  return {
    GOOGLE_CLOUD_PROJECT: project,
    FIRESTORE_EMULATOR_HOST: firestore,
    PUBSUB_EMULATOR_HOST: pubsub,
    METADATA_SERVER_DETECTION: 'none', // Google's clients would look for a cloud to be in
    AGENT_ONCE_NAMESPACE: NAMESPACE,
    AGENT_ONCE_TASK_TOPIC: TASK_TOPIC,
    AGENT_ONCE_DEAD_LETTER_TOPIC: DEAD_LETTER_TOPIC,
    AGENT_ONCE_BLOB_BUCKET: 'blobs',
    FUNCTION_TIMEOUT_SECONDS: '70',
    AGENT_ONCE_ACK_DEADLINE_SECONDS: '90',
  };
}

type OrderParams = { readonly orderId: string } & Readonly<Record<string, unknown>>;

/** A task under the order's id as its key. */
export function orderTask(action: string, params: OrderParams): TaskMessage {
  const origin = { namespace: NAMESPACE, agent: 'tests', key: `${action} ${params.orderId}` };
  return makeTask({ action, params }, origin, Date.now());
}
