import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { parseEntry } from '../../functions/src/cli/log-entry.ts';
import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import { startBoundProcess } from '../../scripts/emulators/bound-process.ts';
import { LOOPBACK, claimPort } from '../../scripts/emulators/ports.ts';
import type { Seen } from './seen.ts';
import { seen } from './seen.ts';

const FRAMEWORK = createRequire(import.meta.url)
  .resolve('@google-cloud/functions-framework')
  .replace(/index\.js$/, 'main.js');

/** `deployed`: main.ts as it is. `under test`: the same app, its steps and halts for tests. */
export type Source = 'deployed' | 'under test';

const SOURCES: Readonly<Record<Source, URL>> = {
  deployed: new URL('../../functions/src/main.ts', import.meta.url),
  'under test': new URL('functions-under-test.ts', import.meta.url),
};
const ONLY_LOOPBACK = new URL('../../scripts/dev/loopback.ts', import.meta.url);

export interface FunctionsOptions {
  readonly source: Source;
  readonly env: Readonly<Record<string, string>>;
  /** A free one if absent. */
  readonly port?: number;
  /** Where to collect what it logs, over restarts: in a list of its own if absent. */
  readonly log?: Seen<LogEntry>;
}

/** functions-framework in a process of its own, killed with SIGKILL whenever this process ends. */
export interface FunctionsProcess {
  readonly port: number;
  readonly url: string;
  readonly pid: number;
  readonly log: Seen<LogEntry>;
  /** SIGKILL. Resolves once it is gone and all that it logged is seen. */
  kill(): Promise<void>;
  /** Settles when it has ended, on its own or not. */
  readonly exited: Promise<void>;
  /** SIGCONT, to a process that has stopped itself. */
  thaw(): void;
}

export async function startFunctions({
  source,
  env,
  port,
  log = seen<LogEntry>(),
}: FunctionsOptions): Promise<FunctionsProcess> {
  const claimed = port ?? (await claimPort('functions process', undefined));
  const host = `${LOOPBACK}:${claimed}`;
  const { pid, exited, stop } = await startBoundProcess({
    title: 'functions process',
    command: process.execPath,
    args: frameworkArguments(source, claimed),
    env,
    host,
    log(line) {
      const entry = parseEntry(line);
      if (entry) log.add(entry);
    },
  });
  return {
    port: claimed,
    url: `http://${host}/`,
    pid,
    log,
    kill: stop,
    exited,
    thaw: () => void process.kill(pid, 'SIGCONT'),
  };
}

/** How Node is called to serve the functions. */
export function frameworkArguments(source: Source, port: number): string[] {
  return [
    '--disable-warning=ExperimentalWarning',
    `--import=${ONLY_LOOPBACK.href}`,
    FRAMEWORK,
    `--source=${fileURLToPath(SOURCES[source])}`,
    '--target=run-task',
    `--port=${port}`,
  ];
}
