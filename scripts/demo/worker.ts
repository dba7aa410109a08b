/*
 * The demo's worker, a process of its own: node scripts/demo/worker.ts FILE NAMESPACE CONCURRENCY
 *
 * Runs the worked example's steps on the embedded store and queue in FILE, and logs each decision as a
 * line of JSON. SANDBOX_URL names the provider. It ends with its parent, or on SIGTERM, once what it
 * has in hand is settled.
 */
import { steps, workflows } from '../../functions/agents/index.ts';
import { compose } from '../../functions/src/compose.ts';
import { drainQueue } from '../../functions/src/handlers/drain-queue.ts';
import { handleMessage } from '../../functions/src/handlers/handle-message.ts';
import { parseNamespace, registerSteps } from '../../functions/src/index.ts';
import { embeddedConfig } from './embedded-config.ts';

/** How long what a crashed worker held stays out of the next one's reach. */
const LEASE_MS = 2_000;
const ACK_DEADLINE_MS = 1_000;

const [file, name = '', concurrency = ''] = process.argv.slice(2);
const namespace = parseNamespace(name);
if (file === undefined || namespace === undefined) {
  throw new Error('How to use it: node scripts/demo/worker.ts FILE NAMESPACE CONCURRENCY');
}

/** Everything is published twice, so that every step meets its duplicate. */
const { runtime, queue, close } = await compose(embeddedConfig(file, namespace), {
  publisher: (real) => ({ ...real, publish: (tasks) => real.publish([...tasks, ...tasks]) }),
});
if (!queue) throw new Error('The embedded store came without its queue.');
const registered = registerSteps(steps, workflows);
const shortLeases = [...registered].map(
  ([action, step]) => [action, { ...step, leaseMs: LEASE_MS }] as const,
);
const receiver = {
  runtime,
  steps: Object.assign(new Map(shortLeases), { workflows: registered.workflows }),
  namespace,
};

const stopping = new AbortController();
process.once('SIGTERM', () => stopping.abort());
process.stdin.once('close', () => stopping.abort()).resume();
runtime.telemetry.event('INFO', 'The worker takes messages.');

await drainQueue({
  queue,
  clock: runtime.clock,
  telemetry: runtime.telemetry,
  handle: (message) => handleMessage(receiver, { message, redelivery: message.delivery > 1 }),
  signal: stopping.signal,
  concurrency: Number(concurrency),
  ackDeadlineMs: ACK_DEADLINE_MS,
});
await close();
process.exit();
