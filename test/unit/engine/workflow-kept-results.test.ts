import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineStep, defineWorkflow, registerSteps } from '../../../functions/src/index.ts';
import { workflowScene } from '../../support/workflow-scene.ts';

/** A text whose canonical form, quotes included, takes so many bytes. */
function textOf(bytes: number, letter: string): string {
  const size = Buffer.byteLength(letter);
  const count = Math.floor((bytes - 2) / size);
  return letter.repeat(count) + 'x'.repeat(bytes - 2 - count * size);
}

/** Makes a text, alone in its stage or beside another step, and measures it in the next stage. */
function measuring(text: string, side: boolean) {
  const measured: number[] = [];
  const params = () => ({});
  const make = defineStep({
    action: 'test.make',
    effect: 'pure',
    params: z.object({}),
    run: () => text,
  });
  const measure = defineStep({
    action: 'test.measure',
    effect: 'pure',
    params: z.object({ text: z.string() }),
    run: ({ params: given }) => void measured.push(Buffer.byteLength(given.text)),
  });
  const rest = defineStep({ action: 'test.rest', effect: 'pure', params: z.object({}), run() {} });
  const head = defineWorkflow({ name: 'test.kept', version: 1, input: z.object({}) });
  const made = side
    ? head.together((member) => ({
        make: member(make, { params }),
        rest: member(rest, { params }),
      }))
    : head.step('make', make, { params });
  const workflow = made
    .step('measure', measure, { params: ({ results }) => ({ text: results.make }) })
    .build();
  return { measured, workflow, steps: registerSteps([], [workflow]) };
}

test.for([
  { bytes: 16_384, letter: 'x', side: false, kept: true },
  { bytes: 16_385, letter: 'x', side: false, kept: false },
  { bytes: 16_384, letter: 'é', side: false, kept: true },
  { bytes: 16_385, letter: 'é', side: false, kept: false },
  { bytes: 16_384, letter: 'x', side: true, kept: true },
  { bytes: 16_385, letter: 'x', side: true, kept: false },
])(
  "a result of $bytes bytes of $letter is in its workflow's document: $kept (beside another: $side)",
  async ({ bytes, letter, side, kept }) => {
    const text = textOf(bytes, letter);
    const { measured, workflow, steps } = measuring(text, side);
    const at = workflowScene(steps);
    const root = await at.begin(workflow);
    await at.drain();
    const record = await at.workflow(root);
    expect(record.status).toBe('completed');
    const result = record.members['make']?.result;
    expect(result).toEqual(kept ? { kind: 'inline', text: JSON.stringify(text) } : undefined);
    expect(measured).toEqual([bytes - 2]);
  },
);
