import { appendFile } from 'node:fs/promises';
import type { Decision, Model } from './model.ts';

/**
 * A stand-in that plays a fixed plan for a trip, so that the loop runs without a model. Where
 * `SCRIPTED_MODEL_LOG` names a file it notes every call there: that is how calls are counted over
 * processes that are killed.
 */
export const scriptedModel: Model = {
  name: 'scripted',
  async decide(goal, turns) {
    const log = process.env['SCRIPTED_MODEL_LOG'];
    if (log !== undefined) await appendFile(log, `${goal}\t${turns.length}\n`);
    return planFor(goal)[turns.length] ?? { kind: 'done', answer: summary(goal, turns.length) };
  },
};

function planFor(goal: string): readonly Decision[] {
  return [
    { kind: 'tool', tool: 'search', args: { query: goal } },
    { kind: 'tool', tool: 'book', args: { what: 'hotel', orderId: goal } },
    { kind: 'tool', tool: 'pay', args: { amountCents: 12_900, orderId: goal } },
  ];
}

function summary(goal: string, turns: number): string {
  return `Done with "${goal}" after ${turns} tool calls.`;
}
