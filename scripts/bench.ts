/*
 * npm run bench [-- --quick] [-- --json]: what a guarded step costs beside the bare client calls. Every
 * figure is a ratio within one process and one run. docs/performance.md says what each row means.
 */
import { parseArgs } from 'node:util';

import { connectFirestore } from '../functions/src/adapters/firestore/connect.ts';
import { apiRows } from './bench/api.ts';
import { effectRows, hotKeyRow, throughputRow } from './bench/contention.ts';
import { embeddedRows, endToEndRow } from './bench/embedded.ts';
import { latencyRows } from './bench/latency.ts';
import { jsonLine, meets, printTable } from './bench/report.ts';
import type { Row } from './bench/report.ts';
import { startFirestoreEmulator } from './emulators/java-emulators.ts';

const FULL = {
  calls: { samples: 1_500, warmUp: 300 },
  steps: 2_000,
  hotRounds: 20,
  effectRounds: 3,
  endToEndRounds: 3,
};

/** A smoke test: too few samples for a ratio to hold. */
const QUICK: typeof FULL = {
  calls: { samples: 50, warmUp: 25 },
  steps: 200,
  hotRounds: 1,
  effectRounds: 1,
  endToEndRounds: 1,
};

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  });
  const size = values.quick ? QUICK : FULL;
  const embedded = await onEmbedded(size);
  printTable('Embedded store, against bare node:sqlite', embedded);
  const firestore = await onFirestore(size);
  printTable('Firestore, against the bare client calls', firestore);

  const rows = [...embedded, ...firestore];
  const misses = rows.filter((row) => !meets(row));
  console.log(
    `\n${rows.filter(({ target }) => target).length - misses.length} targets met, ${misses.length} missed.`,
  );
  if (values.quick) console.log('Too few samples to judge by: this was --quick.');
  if (values.json) console.log(jsonLine(rows, values.quick));
}

async function onEmbedded({ calls, steps, endToEndRounds }: typeof FULL): Promise<Row[]> {
  return [...(await embeddedRows(calls, steps)), await endToEndRow(steps, endToEndRounds)];
}

/** On the emulator that the environment names, else on one of its own. One client serves all contenders. */
async function onFirestore(size: typeof FULL): Promise<Row[]> {
  const declared = process.env['FIRESTORE_EMULATOR_HOST'];
  const emulator = declared ? undefined : await startFirestoreEmulator({ jit: 'full' });
  if (emulator) process.env['FIRESTORE_EMULATOR_HOST'] = emulator.host;
  process.env['METADATA_SERVER_DETECTION'] ??= 'none'; // no emulator has one, and looking takes seconds
  const connection = connectFirestore({ projectId: 'demo-agent-once' });
  try {
    return [
      ...(await latencyRows(connection, size.calls)),
      await throughputRow(connection, size.steps),
      await hotKeyRow(connection, size.hotRounds),
      ...(await effectRows(connection, size.effectRounds)),
      ...(await apiRows(connection, size.calls)),
    ];
  } finally {
    await connection.close();
    await emulator?.stop();
  }
}

await main();
