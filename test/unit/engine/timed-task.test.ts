import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { embeddedLogicalTime } from '../../../functions/src/adapters/embedded/logical-time.ts';
import { createLogicalClock } from '../../../functions/src/engine/logical-time.ts';
import type { LogicalClock } from '../../../functions/src/engine/logical-time.ts';
import { registerSteps } from '../../../functions/src/engine/register-steps.ts';
import { runTask } from '../../../functions/src/engine/run-task.ts';
import { defineStep } from '../../../functions/src/engine/step.ts';
import { taskFromText, taskText } from '../../../functions/src/engine/tasks.ts';
import { makeTimedTask } from '../../../functions/src/engine/timed-task.ts';
import { aDelivery, aRuntime } from '../../../functions/src/testing/builders.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';

const SHOP = 'shop' as Namespace;
const MADE_AT = Date.UTC(2026, 1, 1);

const mail = { action: 'mail.send', params: { to: 'ada@example.com' } };

/** Instances over one counter, and what they kept. */
function shop() {
  const times = embeddedLogicalTime(':memory:');
  const kept: string[] = [];
  const start = () =>
    createLogicalClock({ reserve: (size, after) => times.reserveBlock(SHOP, size, after) });
  const make = (clock: LogicalClock, agent = 'mailer-1') =>
    makeTimedTask(
      mail,
      { namespace: SHOP, agent, clock, keep: async (text) => void kept.push(text) },
      MADE_AT,
    );
  return { start, make, kept };
}

describe('a task whose token is made from logical time', () => {
  test('is an operation of its own, though it is asked for twice at once', async () => {
    const { start, make } = shop();
    const clock = start();
    const [one, other] = await Promise.all([make(clock), make(clock)]);
    expect(one.requestHash).toBe(other.requestHash);
    expect(one.token).not.toBe(other.token);
    expect(one).toMatchObject({ root: one.token, agent: 'mailer-1' });
    expect(one.window).toBeUndefined();
    expect(other.logicalTime).toBeGreaterThan(one.logicalTime);
  });

  test('is never made twice, by no instance and through no restart', async () => {
    const { start, make } = shop();
    const tokens = new Set<string>();
    for (let life = 0; life < 20; life += 1) {
      const clocks = [start(), start()];
      for (const clock of [...clocks, ...clocks]) tokens.add((await make(clock)).token);
    }
    expect(tokens.size).toBe(80);
  });

  test('stays apart where two instances have received their way to one time', async () => {
    const { start, make } = shop();
    const [one, other] = [start(), start()];
    const sent = [await one.tick(), await other.tick()] as const;
    await one.receive(sent[1]);
    await other.receive(sent[0]);
    const tasks = [await make(one, 'mailer-1'), await make(other, 'mailer-2')] as const;
    expect(tasks[0].logicalTime).toBe(tasks[1].logicalTime);
    expect(tasks[0].token).not.toBe(tasks[1].token);
  });

  test('is there to be published only once it is kept, as what was kept', async () => {
    const { start } = shop();
    let durable = (): void => {};
    const kept: string[] = [];
    const made = makeTimedTask(
      mail,
      {
        namespace: SHOP,
        agent: 'mailer-1',
        clock: start(),
        keep: (text) =>
          new Promise((resolve) => {
            kept.push(text);
            durable = resolve;
          }),
      },
      MADE_AT,
    );
    const asked = await Promise.race([made, new Promise((resolve) => setImmediate(resolve))]);
    expect(asked).toBeUndefined();
    durable();
    expect(kept).toEqual([taskText(await made)]);
  });

  test('is not answered where it could not be kept, and its token is never used again', async () => {
    const { start, make, kept } = shop();
    const clock = start();
    const sent: string[] = [];
    const failing = makeTimedTask(
      mail,
      {
        namespace: SHOP,
        agent: 'mailer-1',
        clock,
        async keep(text) {
          sent.push(text);
          throw new Error('The disk is full.');
        },
      },
      MADE_AT,
    );
    await expect(failing).rejects.toThrow('The disk is full.');
    await make(clock);
    expect(taskFromText(kept[0]!).token).not.toBe(taskFromText(sent[0]!).token);
  });

  test('runs once, however often what was kept is published after crashes', async () => {
    const { start, make, kept } = shop();
    const mails: string[] = [];
    const step = defineStep({
      action: 'mail.send',
      effect: 'idempotent',
      params: z.object({ to: z.string() }),
      run: ({ params }) => void mails.push(params.to),
    });
    await make(start());
    const runtime = aRuntime();
    const outcomes = [];
    for (const messageId of ['first', 'after a crash', 'after another']) {
      const delivery = aDelivery(taskFromText(kept[0]!), { namespace: SHOP, messageId });
      outcomes.push((await runTask(runtime, registerSteps([step]), delivery)).kind);
    }
    expect(outcomes).toEqual(['completed', 'replayed', 'replayed']);
    expect(mails).toEqual(['ada@example.com']);
  });

  test('is refused without the name of an instance', async () => {
    const { start, make } = shop();
    await expect(make(start(), '')).rejects.toThrow(/needs the name of the instance/);
  });
});
