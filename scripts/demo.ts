/*
 * npm run demo: an order goes through three agents, another is taken back since its parcel can't be
 * delivered, and an agent plans a trip turn by turn. Everything is published twice, and the worker is killed
 * right after money was taken. Counts attempts against effects at the end.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { startSandbox } from '../functions/agents/sandbox/start.ts';
import { paintFor } from '../functions/src/cli/paint.ts';
import { parseNamespace } from '../functions/src/index.ts';
import { embeddedStage } from './demo/embedded-stage.ts';
import { emulatorStage } from './demo/emulator-stage.ts';
import { makeScenes } from './demo/scenes.ts';
import { play } from './demo/play.ts';
import { isHeld, tallyTable, verdict } from './demo/report.ts';
import { tally, tallyByAction } from './demo/tally.ts';
import { startTimeline } from './demo/timeline.ts';

const USAGE = `npm run demo -- [--json] [--orders N] [--emulators] [--keep]

  --json        ends with one line of JSON
  --orders N    how many orders that go through, 1 to 500; default 1
  --emulators   on the Firestore and Pub/Sub emulators, with the real functions process; needs Java
  --keep        leaves the store's file, and says how to look into it`;

const MOST_ORDERS = 500;

interface Options {
  readonly json: boolean;
  readonly orders: number;
  readonly emulators: boolean;
  readonly keep: boolean;
}

function readOptions(): Options | { readonly stop: string; readonly code: number } {
  try {
    const { values } = parseArgs({
      options: {
        json: { type: 'boolean', default: false },
        orders: { type: 'string', default: '1' },
        emulators: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) return { stop: USAGE, code: 0 };
    const orders = Number(values.orders);
    if (!Number.isInteger(orders) || orders < 1 || orders > MOST_ORDERS) {
      return {
        stop: `--orders ${values.orders} is not a number from 1 to ${MOST_ORDERS}.`,
        code: 2,
      };
    }
    return { ...values, orders };
  } catch (error) {
    return {
      stop: `${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`,
      code: 2,
    };
  }
}

async function demo(
  { json, orders: count, emulators, keep }: Options,
  startedAt: number,
): Promise<boolean> {
  const paint = paintFor(process.stdout);
  const namespace = parseNamespace('demo')!;
  const folder = temporaryFolder(keep);
  const sandbox = await startSandbox({ ledger: join(folder, 'provider.sqlite') });
  const scenes = makeScenes(count, namespace);
  const setting = { folder, namespace, sandboxUrl: sandbox.url, scenes: scenes.length };
  const stage = await (emulators ? emulatorStage(setting) : embeddedStage(setting));
  const timeline = startTimeline(console.log, (line) => paint('bold', line));
  try {
    const played = await play(stage, sandbox, scenes, timeline);
    timeline.end();
    const counted = tally(scenes, played);
    const seconds = Math.round((performance.now() - startedAt) / 10) / 100;
    console.log(`\n${tallyTable(tallyByAction(scenes, played), paint)}\n`);
    console.log(verdict(counted, seconds, paint));
    if (keep && stage.options !== undefined)
      console.log(`\n${howToLook(stage.options, scenes[0]?.task.root ?? '')}`);
    const store = stage.store.name;
    if (json) console.log(JSON.stringify({ ...counted, store, orders: count, seconds }));
    return isHeld(counted);
  } finally {
    timeline.end();
    await stage.close();
    await sandbox.stop();
  }
}

/** Gone when this process ends, Ctrl-C included, unless it is to be kept. */
function temporaryFolder(keep: boolean): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-once-demo-'));
  if (!keep) process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.once(signal, () => process.exit(130));
  return folder;
}

function howToLook(options: string, root: string): string {
  return `Kept. Look into it: npx agent-once ${options} workflow ${root}`;
}

const options = readOptions();
if ('stop' in options) {
  console.error(options.stop);
  process.exit(options.code);
}
try {
  process.exit((await demo(options, performance.now())) ? 0 : 1);
} catch (error) {
  console.error(`The demo broke off. ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1); // children end with this process
}
