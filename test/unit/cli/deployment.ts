import { Readable } from 'node:stream';
import { z } from 'zod';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { embeddedQueue } from '../../../functions/src/adapters/embedded/queue.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { unpainted } from '../../../functions/src/cli/paint.ts';
import type { Connect } from '../../../functions/src/cli/program.ts';
import { runCli } from '../../../functions/src/cli/program.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import { defineStep, registerSteps } from '../../../functions/src/index.ts';
import { makeTask } from '../../../functions/src/engine/tasks.ts';
import { warmCache } from '../../../functions/src/engine/warm-cache.ts';
import { handleMessage } from '../../../functions/src/handlers/handle-message.ts';
import { parseNamespace } from '../../../functions/src/token/token.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';
import { settableClock } from '../../support/settable-clock.ts';

const NAMESPACE = parseNamespace('shop')!;
const LEASE_MS = 15_000;

/** What the steps of the deployment do next; by default they succeed. */
export interface Behaviour {
  ship: () => unknown;
}

function stepsOf(behaviour: Behaviour, shipped: string[]) {
  const params = z.object({ orderId: z.string() }).loose();
  const tell = defineStep({
    action: 'customers.tell',
    effect: 'idempotent',
    params,
    run: () => 'told',
  });
  const ship = defineStep({
    action: 'shipping.ship',
    effect: 'once',
    params,
    leaseMs: LEASE_MS,
    async run({ params: { orderId }, start }) {
      await start();
      shipped.push(orderId);
      return behaviour.ship();
    },
    next: () => [tell.task({ orderId: 'told' })],
  });
  const look = defineStep({
    action: 'stock.look',
    effect: 'pure',
    params,
    run: () => behaviour.ship(),
  });
  return registerSteps([ship, tell, look]);
}

/** A deployment in memory, its steps, and the CLI on it. Its time stands still unless a clock is given. */
export function deployment(changes: Partial<Runtime> = {}) {
  const standing = settableClock();
  const clock = changes.clock ?? standing;
  const store = embeddedStore(':memory:', clock);
  const queue = embeddedQueue(':memory:', clock);
  const audit = embeddedAuditLog(':memory:');
  const behaviour: Behaviour = { ship: () => ({ shipmentId: 'ship-1' }) };
  const shipped: string[] = [];
  const runtime: Runtime = {
    ...engineRuntime(store),
    clock,
    publisher: queue,
    cache: warmCache(clock),
    ...changes,
  };
  const steps = stepsOf(behaviour, shipped);
  const connect: Connect = async () => ({
    runtime,
    namespace: NAMESPACE,
    shards: 16,
    deadLetters: async () => queue.kept,
    auditLog: async () => ({ ...audit, close: async () => {} }),
    close: async () => {},
  });

  async function publish(action: string, params: object, key = 'order-1'): Promise<Token> {
    const origin = { namespace: NAMESPACE, agent: 'shop', key };
    const task = makeTask({ action, params }, origin, clock.now());
    await queue.publish([task]);
    return task.token;
  }

  const receiver = { runtime, steps, namespace: NAMESPACE };

  /** Handles what is visible in the queue, and what follows from it. */
  async function work(): Promise<void> {
    for (let message = queue.pull(1_000); message; message = queue.pull(1_000)) {
      const redelivery = message.delivery > 1;
      const { status } = await handleMessage(receiver, { message, redelivery });
      if (status < 300) queue.acknowledge(message.id);
    }
  }

  /** A holder that claims, starts the effect and is never heard of again. */
  async function crash(): Promise<Token> {
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    behaviour.ship = () => {
      start();
      return new Promise(() => {});
    };
    const token = await publish('shipping.ship', { orderId: 'order-1' });
    const message = queue.pull(1_000)!;
    void handleMessage(receiver, { message, redelivery: false });
    await started;
    behaviour.ship = () => ({ shipmentId: 'ship-2' });
    return token;
  }

  return {
    queue,
    advance: (ms: number) => standing.advance(ms),
    store,
    runtime,
    behaviour,
    /** Order numbers whose parcels went out, in order. */
    shipped,
    /** What the audit log has of an operation. */
    audited: async (token: Token) =>
      (await audit.read(NAMESPACE, token, { limit: 100 })).entries.map(
        ({ verb, phase, actor }) => `${verb} ${phase} by ${actor}`,
      ),
    waiting: () => queue.nextVisibleAt() !== undefined,
    publish,
    work,
    crash,
    record: async (token: Token) => (await store.get(NAMESPACE, token))?.record,
    connect,
    cli: (...args: string[]) => cli(connect, args),
  };
}

export interface Printed {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One call of the CLI, as a program sees it. */
export async function cli(
  connect: Connect,
  args: readonly string[],
  surroundings: {
    readonly input?: string;
    readonly folder?: string;
    readonly env?: Record<string, string>;
    readonly signal?: AbortSignal;
    readonly onOut?: (text: string) => void;
  } = {},
): Promise<Printed> {
  let out = '';
  let err = '';
  const code = await runCli(
    args,
    {
      out(text) {
        out += text;
        surroundings.onOut?.(text);
      },
      err: (text) => void (err += text),
      paint: unpainted,
      input: Readable.from([surroundings.input ?? '']),
      folder: surroundings.folder ?? '/',
      env: surroundings.env ?? {},
      signal: surroundings.signal ?? new AbortController().signal,
    },
    connect,
  );
  return { code, out, err };
}
