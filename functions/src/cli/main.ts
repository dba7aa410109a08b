#!/usr/bin/env node
import { connect } from './connect.ts';
import { paintFor } from './paint.ts';
import { runCli } from './program.ts';

const interrupted = new AbortController();
process.once('SIGINT', () => interrupted.abort()).once('SIGTERM', () => interrupted.abort());
/** A reader that has seen enough, as in `agent-once tail FILE | head`. */
process.stdout.once('error', () => process.exit(0));

/** Waiting through the clock port keeps no process alive; this does. */
const alive = setInterval(() => {}, 1_000_000);
const code = await runCli(
  process.argv.slice(2),
  {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    ...(process.stderr.isTTY && {
      progress: (line: string) => void process.stderr.write(`\r\u001B[2K${line}`),
    }),
    paint: paintFor(process.stdout),
    input: process.stdin,
    folder: process.cwd(),
    env: process.env,
    signal: interrupted.signal,
  },
  connect,
);
clearInterval(alive);
// A client whose store is away may hold the process for minutes: end it once the output is out.
process.stdout.write('', () => process.exit(code));
