/*
 * The command line, in a process that dies by SIGKILL once a dead letter's message is published and before
 * the dead letter is acknowledged.
 */
import { connect } from '../../functions/src/cli/connect.ts';
import type { Terminal } from '../../functions/src/cli/context.ts';
import { unpainted } from '../../functions/src/cli/paint.ts';
import { runCli } from '../../functions/src/cli/program.ts';

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  paint: unpainted,
  input: process.stdin,
  folder: '/',
  env: process.env,
  signal: new AbortController().signal,
};

process.exitCode = await runCli(process.argv.slice(2), terminal, async (...target) => {
  const connection = await connect(...target);
  return {
    ...connection,
    async deadLetters() {
      const acknowledge = async (): Promise<void> => void process.kill(process.pid, 'SIGKILL');
      return { ...(await connection.deadLetters()), acknowledge };
    },
  };
});
