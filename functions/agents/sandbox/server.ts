import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { readBalance } from './balance.ts';
import type { Emit } from './events.ts';
import { openLedgerFile } from './ledger-file.ts';
import { createLedger } from './ledger.ts';
import { createProvider } from './provider.ts';

const usage = `The outside world of the worked example: stock, payments and shipments, kept in a file.

  node functions/agents/sandbox/server.ts --ledger FILE [--port 0] [--exit-with-parent]

  --ledger FILE        SQLite file of the effects; made if missing, kept over restarts
  --port PORT          port on 127.0.0.1; 0, the default, takes a free one
  --exit-with-parent   stop when standard input ends

Prints {"listening": URL} once it answers, then one line of JSON per event.`;

interface Options {
  ledger: string;
  port: number;
  exitWithParent: boolean;
}

function readOptions(): Options | { stop: string; code: number } {
  try {
    const { values } = parseArgs({
      options: {
        ledger: { type: 'string' },
        port: { type: 'string', default: '0' },
        'exit-with-parent': { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const port = Number(values.port);
    if (values.help) return { stop: usage, code: 0 };
    if (!values.ledger) return { stop: `--ledger FILE is missing.\n\n${usage}`, code: 2 };
    if (!/^\d+$/.test(values.port) || port > 65_535) {
      return { stop: `--port ${values.port} is not a port; give 0 to 65535.`, code: 2 };
    }
    return { ledger: values.ledger, port, exitWithParent: values['exit-with-parent'] };
  } catch (error) {
    return {
      stop: `${error instanceof Error ? error.message : String(error)}\n\n${usage}`,
      code: 2,
    };
  }
}

/** A line is with the system when this returns, as long as its reader keeps up. */
function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function serve({ ledger, port, exitWithParent }: Options): void {
  const db = openLedgerFile(ledger);
  const now = (): Date => new Date();
  const emit: Emit = (exchange, { event, ...rest }) =>
    print({ event, at: now().toISOString(), ...exchange, ...rest });
  const balance = (): ReturnType<typeof readBalance> => readBalance(db);
  const server = createServer(createProvider({ ledger: createLedger(db), balance, now, emit }));
  const stop = (): void => {
    db.close();
    process.exit(0);
  };
  server.once('error', (error) => {
    console.error(`Cannot listen on 127.0.0.1:${port}: ${error.message}. Free the port or use 0.`);
    process.exit(1);
  });
  server.listen(port, '127.0.0.1', () => {
    const { port: bound } = server.address() as AddressInfo;
    print({ listening: `http://127.0.0.1:${bound}` });
  });
  process.once('SIGINT', stop).once('SIGTERM', stop);
  process.stdout.once('error', stop);
  if (exitWithParent) process.stdin.once('close', stop).resume();
}

const options = readOptions();
if ('stop' in options) {
  console.error(options.stop);
  process.exitCode = options.code;
} else {
  serve(options);
}
