import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, defineWorkflow, registerSteps } from '../../../functions/src/index.ts';
import { StoreAway } from '../../../functions/src/operation/errors.ts';
import type { BlobStore } from '../../../functions/src/ports/blob-store.ts';
import { keptResultBytes } from '../../../functions/src/workflow/record.ts';
import { memoryBlobs } from '../../support/engine-runtime.ts';
import { fanOut } from './definitions.ts';
import { NAMESPACE, stage } from './fixture.ts';
import type { WorkflowSubject } from './fixture.ts';

const EFFECTS = ['idempotent', 'once'] as const;

/** A step whose result is `bytes` long, and one after it that is given its length. */
function inLine(effect: (typeof EFFECTS)[number], bytes: number) {
  const ran: string[] = [];
  const write = defineStep({
    action: 'test.write',
    effect,
    params: z.object({}),
    async run({ start }) {
      if (effect === 'once') await start();
      ran.push('write');
      return 'x'.repeat(bytes);
    },
  });
  const read = defineStep({
    action: 'test.read',
    effect: 'pure',
    params: z.object({ length: z.int() }),
    run: ({ params: { length } }) => ran.push(`read ${length}`),
  });
  const workflow = defineWorkflow({ name: 'test.line', version: 1, input: z.object({}) })
    .step('write', write, { params: () => ({}) })
    .step('read', read, { params: ({ results }) => ({ length: results.write.length }) })
    .build();
  return { ran, workflow, steps: registerSteps([], [workflow]) };
}

export function largeResults(open: WorkflowSubject['open']): void {
  test.for(EFFECTS)(
    'a result over 16 KiB of a lone %s step is recorded, and the next step built from it, at once',
    async (effect) => {
      const { ran, workflow, steps } = inLine(effect, 17_000);
      const at = stage(await open(), steps);
      const root = at.begin(workflow.task({}));
      expect(await at.drain()).toEqual(['completed', 'completed', 'completed']);
      expect(ran).toEqual(['write', 'read 17000']);
      const record = await at.workflow(root.token);
      expect(record?.status).toBe('completed');
      expect(record?.members['write']?.result).toBeUndefined();
    },
  );

  test('a done effect is recorded though what follows can not be planned, and goes on later', async () => {
    const real = memoryBlobs().blobs;
    let away = false;
    const blobs: BlobStore = {
      ...real,
      async get(name) {
        if (away) throw new Error('The blobs are away.');
        return real.get(name);
      },
    };
    const { ran, workflow, steps } = inLine('once', 400_000);
    const at = stage(await open(), steps, { blobs });
    const root = at.begin(workflow.task({}));
    await at.deliver(at.waiting.shift() ?? root);
    const [write] = at.waiting.splice(0);
    away = true;
    expect(await at.deliver(write ?? root)).toBe('retryable_error');
    const operation = await at.runtime.store.get(NAMESPACE, (write ?? root).token);
    expect(operation?.record.status).toBe('completed');
    expect((await at.workflow(root.token))?.members['write']?.state).toBe('completed');

    away = false;
    expect(await at.deliver(write ?? root)).toBe('replayed');
    await at.drain();
    expect(ran).toEqual(['write', 'read 400000']);
    expect((await at.workflow(root.token))?.status).toBe('completed');
  });

  test('a done effect is recorded though its workflow can not be read for a moment', async () => {
    const { ran, workflow, steps } = inLine('once', 10);
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    await at.deliver(at.waiting.shift() ?? root);
    const [write] = at.waiting.splice(0);
    const { workflows } = at.runtime.store;
    if (!workflows || !write) throw new Error('The step was not published.');
    let asked = 0;
    const hiccup = {
      ...workflows,
      async get(...of: Parameters<typeof workflows.get>) {
        asked += 1;
        if (asked === 1) throw new StoreAway('No answer.');
        return workflows.get(...of);
      },
    };
    const store = { ...at.runtime.store, workflows: hiccup };
    expect(await at.deliver(write, { ...at.runtime, store })).toBe('completed');
    await at.drain();
    expect(ran).toEqual(['write', 'read 10']);
    expect((await at.workflow(root.token))?.status).toBe('completed');
  });

  test('the results of many members together leave room in the document of their workflow', async () => {
    const size = 70;
    const { workflow, steps } = fanOut(size, 16_000);
    const at = stage(await open(), steps);
    const root = at.begin(workflow.task({}));
    await at.drain(10);
    const record = await at.workflow(root.token);
    expect(record?.status).toBe('completed');
    expect(JSON.stringify(record).length).toBeLessThan(600 * 1024);
    expect(keptResultBytes(size + 1)).toBeLessThan(16_000);
    expect(record?.members['join']?.result).toBeDefined();
  });
}
