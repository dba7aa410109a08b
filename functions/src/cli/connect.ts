import { existsSync } from 'node:fs';
import { jsonLinesTelemetry } from '../adapters/system/telemetry.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { compose } from '../compose.ts';
import type { Overrides } from '../compose.ts';
import { ConfigError, parseConfig } from '../config.ts';
import type { Config } from '../config.ts';
import type { Environment } from '../config/settings.ts';
import { StoreAway } from '../operation/errors.ts';
import { within } from '../engine/within.ts';
import type { TokenStore } from '../ports/token-store.ts';
import type { Connection, Terminal } from './context.ts';
import { Failure } from './failure.ts';
import { targetEnvironment } from './target.ts';
import type { TargetOptions } from './target.ts';

/** A person is waiting: say that the store is away rather than go on trying. */
const ANSWER_MS = 10_000;
const CLOSE_MS = 1_000;

/** Settings that a command may do without: those of receiving, and names that only publishing needs. */
const UNNEEDED = {
  FUNCTION_TIMEOUT_SECONDS: '540',
  AGENT_ONCE_ACK_DEADLINE_SECONDS: '600',
  AGENT_ONCE_PUSH_AUDIENCE: 'not-received',
  AGENT_ONCE_PUSH_SERVICE_ACCOUNT: 'not@received',
};
const UNNAMED = {
  AGENT_ONCE_TASK_TOPIC: 'unnamed-tasks',
  AGENT_ONCE_DEAD_LETTER_TOPIC: 'unnamed-dead-letters',
  AGENT_ONCE_BLOB_BUCKET: 'unnamed-blobs',
};
/** Google's clients read these from the process itself. */
const READ_BY_CLIENTS = [
  'METADATA_SERVER_DETECTION',
  'FIRESTORE_EMULATOR_HOST',
  'PUBSUB_EMULATOR_HOST',
  'STORAGE_EMULATOR_HOST',
];

/** @throws {Failure} naming every setting that is wrong or missing */
export async function connect(options: TargetOptions, terminal: Terminal): Promise<Connection> {
  const environment = targetEnvironment(options, terminal.env, terminal.folder);
  const config = configOf(environment);
  for (const name of READ_BY_CLIENTS) {
    const value = environment[name];
    if (value !== undefined) process.env[name] = value;
  }
  if (config.backend.kind === 'embedded') standing(config.backend.file);
  const { runtime, deadLetters, auditLog, close } = await compose(
    config,
    overrides(environment, terminal),
  );
  return {
    runtime,
    namespace: config.namespace,
    shards: config.shards,
    async deadLetters() {
      needed(environment, 'AGENT_ONCE_DEAD_LETTER_TOPIC', 'To find dead letters');
      needed(environment, 'AGENT_ONCE_TASK_TOPIC', 'To publish them again');
      return deadLetters();
    },
    auditLog,
    // A client waits for calls whose answer nobody waits for any more.
    close: () => within(systemClock, CLOSE_MS, close()).catch(() => {}),
  };
}

/** For messages: which store gives no answer. */
function placeOf(environment: Environment): string {
  const { AGENT_ONCE_STORE: store = 'firestore', GOOGLE_CLOUD_PROJECT: project } = environment;
  if (store.startsWith('embedded:')) return `The embedded store ${store.slice(9)}`;
  const emulator = environment['FIRESTORE_EMULATOR_HOST'];
  return emulator === undefined
    ? `Firestore of project ${project}`
    : `The Firestore emulator at ${emulator} (is it still running?)`;
}

function configOf(environment: Environment): Config {
  try {
    return parseConfig({ ...UNNAMED, ...environment, ...UNNEEDED });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const advice = `  ${error.faults.join('\n  ')}`;
    throw new Failure('usage', 'The store can’t be reached with these settings:', {
      advice,
      cause: error,
    });
  }
}

/** Looking must not make an empty store where a path is mistyped. */
function standing(file: string): void {
  if (existsSync(file)) return;
  throw new Failure('storeAway', `There is no store in ${file}.`, {
    advice: 'Check the path. The file is made by the program that runs the steps.',
  });
}

function overrides(environment: Environment, terminal: Terminal): Overrides {
  return {
    telemetry: jsonLinesTelemetry({ write: (line) => terminal.err(line) }),
    store(real) {
      const store = answeringInTime(real, placeOf(environment));
      const toErase = () =>
        needed(environment, 'AGENT_ONCE_BLOB_BUCKET', 'To erase what was too large for a record');
      return {
        ...store,
        // Before the record says that its payload is gone.
        async override(namespace, token, request) {
          if (request.override.verb === 'purge') toErase();
          return store.override(namespace, token, request);
        },
        async purgeStub(stub, by) {
          toErase();
          return store.purgeStub(stub, by);
        },
      };
    },
    publisher: (real) => ({
      ...real,
      async publish(tasks) {
        needed(environment, 'AGENT_ONCE_TASK_TOPIC', 'To publish');
        const late = new Failure('failed', `Pub/Sub gave no answer within ${ANSWER_MS} ms.`, {
          advice: 'The task may be published or not. Doing it again is harmless.',
        });
        await within(systemClock, ANSWER_MS, real.publish(tasks)).catch(() => {
          throw late;
        });
      },
    }),
    blobs: (real) => ({
      async get(name) {
        needed(environment, 'AGENT_ONCE_BLOB_BUCKET', 'To read a large payload');
        return real.get(name);
      },
      async put(name, bytes) {
        needed(environment, 'AGENT_ONCE_BLOB_BUCKET', 'To keep a large payload');
        return real.put(name, bytes);
      },
      async delete(name) {
        needed(environment, 'AGENT_ONCE_BLOB_BUCKET', 'To delete a large payload');
        return real.delete(name);
      },
      async deleteUnder(folder) {
        needed(environment, 'AGENT_ONCE_BLOB_BUCKET', 'To erase what was too large for a record');
        return real.deleteUnder(folder);
      },
    }),
  };
}

/** An embedded store keeps queue and payloads beside itself; Firestore's must be named. */
function needed(environment: Environment, name: string, what: string): void {
  const embedded = environment['AGENT_ONCE_STORE']?.startsWith('embedded:') === true;
  if (embedded || environment[name] !== undefined) return;
  throw new Failure('usage', `${what}, ${name} is needed, and it is not set.`, {
    advice: 'Set it as it is set for the functions.',
  });
}

function answeringInTime(real: TokenStore, place: string): TokenStore {
  const inTime = <T>(asked: Promise<T>): Promise<T> =>
    within(systemClock, ANSWER_MS, asked).catch((error: unknown) => {
      if (!(error instanceof StoreAway)) throw error;
      throw new StoreAway(`${place} can’t be reached. ${error.message}`, { cause: error });
    });
  return {
    ...real,
    get: (...asked) => inTime(real.get(...asked)),
    getMany: (...asked) => inTime(real.getMany(...asked)),
    ledger: (...asked) => inTime(real.ledger(...asked)),
    byStatus: (...asked) => inTime(real.byStatus(...asked)),
    due: (...asked) => inTime(real.due(...asked)),
    override: (...asked) => inTime(real.override(...asked)),
    markSent: (...asked) => inTime(real.markSent(...asked)),
  };
}
