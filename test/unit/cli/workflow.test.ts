import { describe, expect, test } from 'vitest';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { workflows } from '../../../functions/agents/index.ts';
import { embeddedQueue } from '../../../functions/src/adapters/embedded/queue.ts';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { jsonLinesTelemetry } from '../../../functions/src/adapters/system/telemetry.ts';
import { unpainted } from '../../../functions/src/cli/paint.ts';
import { runCli } from '../../../functions/src/cli/program.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import { makeTask, taskFromText } from '../../../functions/src/engine/tasks.ts';
import { defineStep, NotDone, registerSteps } from '../../../functions/src/index.ts';
import type { AnyStep, AnyWorkflow, Namespace } from '../../../functions/src/index.ts';
import { Readable } from 'node:stream';
import { engineRuntime } from '../../support/engine-runtime.ts';
import { settableClock } from '../../support/settable-clock.ts';

const NAMESPACE = 'shop' as Namespace;
const ORDER = {
  orderId: 'order-1',
  sku: 'lamp',
  quantity: 2,
  amountCents: 4_990,
  card: 'card-1',
  address: 'nowhere',
};

/** The example's workflow, its steps replaced by ones that answer from here. */
function standIn(workflow: AnyWorkflow, refuses: ReadonlySet<string>): AnyWorkflow {
  function replaced(step: AnyStep): AnyStep {
    return defineStep({
      action: step.action,
      effect: 'pure',
      params: step.params,
      run() {
        if (refuses.has(step.action)) throw new NotDone('refused', 'No.', { final: true });
        return { reservationId: 'r-1', chargeId: 'c-1', shipmentId: 's-1' };
      },
    });
  }
  return {
    ...workflow,
    stages: workflow.stages.map((stage) =>
      stage.map((member) => ({
        ...member,
        step: replaced(member.step),
        ...(member.compensate && {
          compensate: { ...member.compensate, step: replaced(member.compensate.step) },
        }),
      })),
    ),
  };
}

async function deployment(refuses: Set<string>) {
  const clock = settableClock();
  const store = embeddedStore(':memory:', clock);
  const queue = embeddedQueue(':memory:', clock);
  const log: string[] = [];
  const telemetry = jsonLinesTelemetry({ write: (line) => void log.push(line) });
  const runtime = engineRuntime(store, { publisher: queue, clock, telemetry });
  const [fulfil] = workflows;
  if (!fulfil) throw new Error('The example has no workflow.');
  const steps = registerSteps([], [standIn(fulfil, refuses)]);
  const task = makeTask(
    fulfil.task(ORDER),
    { namespace: NAMESPACE, agent: 'shop', key: 'order-1' },
    clock.now(),
  );
  await queue.publish([task]);

  /** Each message is delivered `times` times. */
  async function run(most = 100, times = 1): Promise<void> {
    for (let count = 0; count < most; count += 1) {
      const message = queue.pull(10_000);
      if (!message) return;
      for (let delivery = 0; delivery < times; delivery += 1) {
        await runTask(runtime, steps, {
          task: taskFromText(Buffer.from(message.data).toString()),
          namespace: NAMESPACE,
          messageId: message.id,
          redelivery: delivery > 0,
        });
      }
      queue.acknowledge(message.id);
    }
  }

  async function cli(...args: string[]): Promise<{ exit: number; out: string; err: string }> {
    let [out, err] = ['', ''];
    const terminal = {
      out: (text: string) => void (out += text),
      err: (text: string) => void (err += text),
      paint: unpainted,
      input: Readable.from(log),
      folder: '.',
      env: {},
      signal: new AbortController().signal,
    };
    const connection = {
      runtime,
      namespace: NAMESPACE,
      shards: 16,
      deadLetters: () => Promise.reject(new Error('Nobody asked for them.')),
      auditLog: async () => embeddedAuditLog(':memory:'),
      close: async () => {},
    };
    const exit = await runCli(args, terminal, async () => connection);
    return { exit, out, err };
  }

  return { root: task.token, run, cli };
}

const SIGNED = ['--actor', 'ann', '--reason', 'asked to'];

describe('agent-once workflow', () => {
  test('draws the timeline of all agents, compensations included', async () => {
    const { root, run, cli } = await deployment(new Set(['shipping.ship']));
    await run();
    const { exit, out } = await cli('workflow', root);
    expect(exit).toBe(0);
    expect(out).toMatch(/order\.fulfil v1 {2}compensated/);
    expect(out).toMatch(/turned back {2}refused: No\./);
    const steps = ['order.fulfil', 'inventory.reserve', 'payments.charge', 'shipping.ship'];
    const places = [...steps, 'payments.refund', 'inventory.release'].map((action) =>
      out.search(new RegExp(`${action.replace('.', '\\.')} +(completed|failed)`)),
    );
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
  });

  test('counts duplicates from the log that it is given', async () => {
    const { root, run, cli } = await deployment(new Set());
    await run(2, 3);
    await run();
    expect((await cli('workflow', root)).out).not.toContain('DUPLICATES');
    const { out } = await cli('workflow', root, '--log', '-');
    expect(out).toMatch(/ATTEMPTS +DUPLICATES +CLAIMED/);
    expect(out).toMatch(/order\.fulfil +completed +1 +2 /);
    expect(out).toMatch(/inventory\.reserve +completed +1 +2 /);
    expect(out).toMatch(/payments\.charge +completed +1 +0 /);
    const { out: json } = await cli('--json', 'workflow', root, '--log', '-');
    const { operations } = JSON.parse(json) as { operations: { duplicates: number }[] };
    expect(operations.map(({ duplicates }) => duplicates)).toEqual([2, 2, 0, 0]);
  });

  test('of an unknown root is not found', async () => {
    const { root, cli } = await deployment(new Set());
    const { exit, err } = await cli('workflow', root);
    expect(exit).toBe(3);
    expect(err).toContain('No workflow under root');
  });

  test('cancel turns a running one back, once, and the same cancel again is answered as made', async () => {
    const { root, run, cli } = await deployment(new Set());
    await run(2);
    const cancelled = await cli('cancel', root, ...SIGNED);
    expect(cancelled.exit).toBe(0);
    expect(cancelled.out).toContain('Cancelled by ann: asked to');
    await run();
    expect((await cli('workflow', root)).out).toMatch(/order\.fulfil v1 {2}compensated/);
    const again = await cli('cancel', root, ...SIGNED);
    expect(again.exit).toBe(0);
    expect(again.out).toMatch(/order\.fulfil v1 {2}compensated/);
    const another = await cli('cancel', root, '--actor', 'bob', '--reason', 'asked to');
    expect(another.exit).toBe(4);
    expect(another.err).toContain('this one is compensated');
  });

  test('a compensation that failed for good parks it, and retry runs it again', async () => {
    const refuses = new Set(['shipping.ship', 'payments.refund']);
    const { root, run, cli } = await deployment(refuses);
    await run();
    const parked = await cli('workflow', root);
    expect(parked.out).toMatch(/order\.fulfil v1 {2}parked/);
    expect(parked.out).toContain(`agent-once retry ${root}`);
    expect(parked.out).toContain(`agent-once skip ${root} charge`);
    refuses.delete('payments.refund');
    expect((await cli('retry', root, ...SIGNED)).exit).toBe(0);
    await run();
    expect((await cli('workflow', root)).out).toMatch(/order\.fulfil v1 {2}compensated/);
  });

  test('skip takes a stuck compensation over, and the others still run', async () => {
    const { root, run, cli } = await deployment(new Set(['shipping.ship', 'payments.refund']));
    await run();
    const wrong = await cli('skip', root, 'reserve', ...SIGNED);
    expect(wrong.exit).toBe(4);
    expect((await cli('skip', root, 'charge', ...SIGNED)).exit).toBe(0);
    await run();
    const { out } = await cli('workflow', root);
    expect(out).toMatch(/order\.fulfil v1 {2}compensated/);
    expect(out).toMatch(/inventory\.release +completed/);
    expect(out).toContain('skip by ann');
  });
});
