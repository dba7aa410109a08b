import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { SandboxEvent } from './events.ts';

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export interface RunningSandbox {
  url: string;
  port: number;
  pid: number;
  /** Each event as it is printed, in order, under the name `event`; none from before this resolved. */
  events: EventEmitter<{ event: [SandboxEvent] }>;
  /** The next event that matches, from this call on; rejects when the process ends before it. */
  next: (matches: (event: SandboxEvent) => boolean) => Promise<SandboxEvent>;
  /** Ends it in order; resolves when it is gone. */
  stop: () => Promise<void>;
  /** SIGKILL; resolves when it is gone. What it has accepted is in the ledger's file. */
  kill: () => Promise<void>;
}

/** The server beside this file, in TypeScript or compiled as this file is. */
const serverPath = fileURLToPath(new URL(`./server${extname(import.meta.url)}`, import.meta.url));

/**
 * Runs the sandbox provider as a child process and resolves once it answers. It ends with its parent,
 * however the parent ends. Rejects, with what the child printed, if it can't start.
 */
export async function startSandbox({
  ledger,
  port = 0,
}: {
  ledger: string;
  port?: number;
}): Promise<RunningSandbox> {
  const args = ['--ledger', ledger, '--port', String(port), '--exit-with-parent'];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', serverPath, ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  const errors = lastErrors(child);
  const closed = Promise.withResolvers<void>();
  child.once('close', () => closed.resolve());
  const events = new EventEmitter<{ event: [SandboxEvent] }>().setMaxListeners(0);
  const listening = Promise.withResolvers<string>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const printed = JSON.parse(line) as { listening: string } | SandboxEvent;
    if ('listening' in printed) listening.resolve(printed.listening);
    else events.emit('event', printed);
  });
  child.once('error', listening.reject);
  child.once('close', () => listening.reject(new Error(`The sandbox did not start. ${errors()}`)));
  const url = await listening.promise;
  child.stderr.on('data', (chunk: string) => process.stderr.write(chunk));
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await closed.promise;
  };
  return {
    url,
    port: Number(new URL(url).port),
    pid: child.pid ?? 0,
    events,
    next: (matches) => nextEvent(child, events, matches, errors),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

/** Keeps the end of the child's standard error for the message of a failure. */
function lastErrors(child: Child): () => string {
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-4_000);
  });
  return () => text.trim();
}

function nextEvent(
  child: Child,
  events: RunningSandbox['events'],
  matches: (event: SandboxEvent) => boolean,
  errors: () => string,
): Promise<SandboxEvent> {
  const { promise, resolve, reject } = Promise.withResolvers<SandboxEvent>();
  const onEvent = (event: SandboxEvent): void => {
    if (matches(event)) resolve(event);
  };
  const onClose = (): void =>
    reject(new Error(`The sandbox ended before the awaited event. ${errors()}`));
  events.on('event', onEvent);
  child.once('close', onClose);
  if (child.exitCode !== null || child.signalCode !== null) onClose();
  return promise.finally(() => {
    events.off('event', onEvent);
    child.off('close', onClose);
  });
}
