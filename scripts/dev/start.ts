import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import { PubSub } from '@google-cloud/pubsub';

import { createSandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import { startSandbox } from '../../functions/agents/sandbox/start.ts';
import { EMULATOR_NAMES, LOOPBACK, claimPort, declaredPorts } from '../emulators/ports.ts';
import { startEmulators } from '../emulators/start.ts';
import { LOCAL, createTopics, localEnvironment, startFunctions } from './local-deployment.ts';

const NAMESPACE = 'dev';
const FUNCTIONS_PORT = 8088;
const SANDBOX_PORT = 8089;
/** What the provider has on stock. */
export const EXAMPLE_SKU = 'lamp';

/** What `.agent-once/dev.json` tells other programs. */
export interface DevFacts {
  readonly project: string;
  readonly namespace: string;
  readonly hosts: Readonly<Record<'firestore' | 'pubsub' | 'storage', string>>;
  readonly topics: Readonly<Record<'tasks' | 'deadLetters', string>>;
  readonly subscriptions: Readonly<Record<'push' | 'deadLetters', string>>;
  readonly urls: Readonly<Record<'functions' | 'sandbox', string>>;
  /** Folders and files, relative to the project. */
  readonly logs: Readonly<Record<'functions' | 'emulators', string>>;
  /** All variables that a program needs to reach this deployment. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface RunningDev {
  readonly facts: DevFacts;
  /** Resolves to what ended, if something ends on its own. */
  readonly ended: Promise<string>;
  /** Resolves once no process is left. */
  stop(): Promise<void>;
}

/**
 * Starts emulators, sandbox, topics and functions, in this order. If one can't start, none stays up and
 * its error is thrown.
 *
 * @param project the project's folder: logs go below it, into `.agent-once`
 * @param log receives each line that the functions log
 */
export async function startDev(project: string, log: (line: string) => void): Promise<RunningDev> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each();
  };
  try {
    return { ...(await startAll(project, log, stops)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startAll(
  project: string,
  log: (line: string) => void,
  stops: (() => Promise<unknown>)[],
): Promise<Omit<RunningDev, 'stop'>> {
  const logs = {
    functions: join('.agent-once', 'dev', 'functions.log'),
    emulators: join('.agent-once', 'emulators'),
  };
  const ledger = join(project, '.agent-once', 'dev', 'provider.sqlite');
  // The emulators forget everything when they end: a provider that remembers would contradict them.
  await rm(join(project, '.agent-once', 'dev'), { recursive: true, force: true });
  await mkdir(join(project, '.agent-once', 'dev'), { recursive: true });
  await mkdir(join(project, logs.emulators), { recursive: true });

  const ports = await declaredPorts();
  const emulators = await startEmulators(EMULATOR_NAMES, (name) => {
    const file = createWriteStream(join(project, logs.emulators, `${name}.log`));
    return { port: ports[name], log: (line) => file.write(`${line}\n`) };
  });
  stops.push(() => emulators.stop());
  const { firestore, pubsub, storage } = emulators;
  const hosts = { firestore: firestore.host, pubsub: pubsub.host, storage: storage.host };

  const sandbox = await startSandbox({ ledger, port: await portNear(SANDBOX_PORT) });
  stops.push(() => sandbox.stop());

  await createSandboxAdmin(sandbox.url).stock(EXAMPLE_SKU, 1_000);

  const local = localEnvironment(NAMESPACE, hosts);
  Object.assign(process.env, local); // where Google's clients look for an emulator
  const environment = { ...local, SANDBOX_URL: sandbox.url };
  const port = await portNear(FUNCTIONS_PORT);
  const url = `http://${LOOPBACK}:${port}/`;
  const client = new PubSub({ projectId: LOCAL.project });
  await createTopics(client, url);
  await client.close();

  const file = createWriteStream(join(project, logs.functions));
  const functions = await startFunctions({
    port,
    environment,
    log(line) {
      file.write(`${line}\n`);
      log(line);
    },
  });
  stops.push(() => functions.stop());

  const ended = Promise.race([
    functions.exited.then(() => `The functions process ended on its own: see ${logs.functions}.`),
    ...EMULATOR_NAMES.map((name) =>
      emulators[name].exited.then(
        () => `The ${name} emulator ended on its own: see ${join(logs.emulators, `${name}.log`)}.`,
      ),
    ),
  ]);
  const facts: DevFacts = {
    project: LOCAL.project,
    namespace: NAMESPACE,
    hosts,
    topics: { tasks: LOCAL.taskTopic, deadLetters: LOCAL.deadLetterTopic },
    subscriptions: { push: LOCAL.pushSubscription, deadLetters: LOCAL.deadLetterSubscription },
    urls: { functions: url, sandbox: sandbox.url },
    logs,
    environment,
  };
  return { facts, ended };
}

/** The port that people get to know, or any free one while something else has it. */
async function portNear(port: number): Promise<number> {
  return claimPort('process', port).catch(() => claimPort('process', undefined));
}
