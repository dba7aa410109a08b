import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

export interface ProcessSpec {
  /** What the process is, for messages: "Firestore emulator". */
  readonly title: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `host:port` on which the process answers HTTP once it is ready. */
  readonly host: string;
  /** Receives each line that the process prints. */
  readonly log?: (line: string) => void;
}

export interface BoundProcess {
  readonly host: string;
  /** The process itself, not a wrapper: signals sent to it reach it. */
  readonly pid: number;
  /** Settles when the process has ended, by `stop` or on its own. */
  readonly exited: Promise<void>;
  /** Ends the process and resolves once it is gone. Calling it again is harmless. */
  stop(): Promise<void>;
}

const READY_WITHIN_MS = 60_000;
const PROBE_EVERY_MS = 25;
const TAIL_LINES = 15;

/*
 * The shell becomes the command (`exec`, so the pid stays) after leaving behind a watcher that waits for
 * the end of standard input, a pipe that only the parent holds. However the parent dies, SIGKILL
 * included, the pipe ends and the watcher kills the command. Nothing is lost by that: emulators keep
 * their state in memory.
 */
const BOUND_TO_PARENT = `
exec 3<&0
( read -r _ <&3; kill -KILL $$ ) </dev/null >/dev/null 2>&1 &
exec "$@" </dev/null 3<&-
`;

/**
 * Starts a process that can't outlive this one and resolves once it answers HTTP. Rejects with the last
 * lines it printed if it ends first, or does not answer within a minute.
 */
export async function startBoundProcess(spec: ProcessSpec): Promise<BoundProcess> {
  const child = spawn('/bin/sh', ['-c', BOUND_TO_PARENT, 'sh', spec.command, ...spec.args], {
    // A session of its own: Ctrl-C in the terminal reaches the parent only, which then stops this one.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...spec.env },
  });
  const tail: string[] = [];
  for (const output of [child.stdout, child.stderr]) {
    createInterface({ input: output }).on('line', (line) => {
      spec.log?.(line);
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
    });
  }
  child.stdin.on('error', () => {}); // the watcher is gone already
  const exited = once(child, 'close').then(() => {});
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await exited;
  };

  const outcome = await Promise.race([
    exited.then(() => 'ended before it was ready'),
    answering(
      spec.host,
      READY_WITHIN_MS,
      () => child.exitCode !== null || child.signalCode !== null,
    ),
  ]);
  if (outcome !== 'ready') {
    await stop();
    throw new Error([`The ${spec.title} ${outcome}. Its last output:`, ...tail].join('\n  '));
  }
  return { host: spec.host, pid: child.pid!, exited, stop };
}

async function answering(host: string, withinMs: number, gone: () => boolean): Promise<string> {
  const deadline = performance.now() + withinMs;
  while (!gone()) {
    if (performance.now() > deadline)
      return `did not answer on ${host} within ${withinMs / 1000} s`;
    try {
      const response = await fetch(`http://${host}/`, { signal: AbortSignal.timeout(1000) });
      await response.body?.cancel();
      return 'ready';
    } catch {
      await delay(PROBE_EVERY_MS);
    }
  }
  return 'ended before it was ready';
}
