import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

export interface Ended {
  /** `undefined` where the program is not on the PATH. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Its output is for people: shown as it comes. Else it is kept. */
  readonly shown?: boolean;
}

/** Runs a program to its end. */
export async function run(
  program: string,
  args: readonly string[],
  { input, env, shown = false }: RunOptions = {},
): Promise<Ended> {
  const out = shown ? 'inherit' : 'pipe';
  const child = spawn(program, args, {
    stdio: [input === undefined ? (shown ? 'inherit' : 'ignore') : 'pipe', out, out],
    env: { ...process.env, ...env },
  });
  // A program may end without reading what it is given; its status tells how it fared.
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
    stream ? text(stream) : Promise.resolve(''),
  );
  try {
    const [status] = (await once(child, 'close')) as [number | null];
    return { status: status ?? 1, stdout: (await stdout) ?? '', stderr: (await stderr) ?? '' };
  } catch {
    return { status: undefined, stdout: '', stderr: `${program} is not on the PATH.` };
  }
}

/** A program that had to succeed did not. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** @throws {CommandFailed} with what it said */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { status, stdout, stderr } = await run(program, args, options);
  if (status === 0) return stdout;
  throw new CommandFailed(`${program} ${args.join(' ')} failed.\n${stderr.trim()}`.trim());
}
