/*
 * npm run dev: the functions on this machine, on emulators, with topics, the push subscription and the
 * sandbox provider. Says what is where, writes it to .agent-once/dev.json, and stops on Ctrl-C.
 */
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { parseEntry, shownEntry } from '../functions/src/cli/log-entry.ts';
import { paintFor } from '../functions/src/cli/paint.ts';
import { DEV_FILE } from '../functions/src/cli/target.ts';
import { EXAMPLE_SKU, startDev } from './dev/start.ts';
import type { DevFacts } from './dev/start.ts';

const PROJECT = fileURLToPath(new URL('..', import.meta.url));
const paint = paintFor(process.stdout);

/** Decisions and warnings, for people; the whole log is in the file. */
function printEntry(line: string): void {
  const entry = parseEntry(line);
  if (entry) console.log(shownEntry(entry, paint));
}

function whatIsWhere({ project, hosts, topics, subscriptions, urls, logs }: DevFacts): string {
  const rows = [
    ['functions', `${urls.functions}  (fed by subscription ${subscriptions.push})`],
    ['provider', `${urls.sandbox}  (the sandbox of the worked example)`],
    ['Firestore', hosts.firestore],
    ['Pub/Sub', `${hosts.pubsub}  (topics ${topics.tasks}, ${topics.deadLetters})`],
    ['Storage', hosts.storage],
    ['project', project],
    ['logs', `${logs.functions}, ${logs.emulators}`],
    ['all of it', `${DEV_FILE}, which agent-once reads`],
  ];
  return rows
    .map(([name = '', value]) => `  ${paint('bold', name.padEnd(10))}  ${value}`)
    .join('\n');
}

const EXAMPLE = JSON.stringify({
  orderId: 'order-1',
  sku: EXAMPLE_SKU,
  quantity: 2,
  amountCents: 4_990,
  card: 'card-1',
  address: '1 Main Street',
});

async function dev(): Promise<void> {
  const file = join(PROJECT, DEV_FILE);
  const { facts, ended, stop } = await startDev(PROJECT, printEntry);
  writeFileSync(file, `${JSON.stringify(facts, undefined, 2)}\n`);
  process.once('exit', () => rmSync(file, { force: true }));
  console.log(`Up:\n\n${whatIsWhere(facts)}\n`);
  console.log(`Try: npx agent-once publish order.fulfil '${EXAMPLE}' --key order-1 --wait`);
  console.log('Ctrl-C stops everything.\n');

  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => once(process, signal));
  const fault = await Promise.race([ended, ...signals.map((signal) => signal.then(() => ''))]);
  await stop();
  if (fault !== '') throw new Error(fault);
  console.log('\nStopped; no process is left.');
}

try {
  await dev();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
