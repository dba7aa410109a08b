import { defineStep, TerminalError } from 'agent-once';
import type { AnyStep, FollowUp } from 'agent-once';
import { z } from 'zod';
import { asking, provider } from '../order/provider.ts';
import { geminiModel } from './gemini-model.ts';
import { decisionSchema, turnSchema } from './model.ts';
import type { Decision, Model, ToolDescription, Turn } from './model.ts';
import { scriptedModel } from './scripted-model.ts';

/** A plan that goes on for longer than this is going in circles. */
const MAX_TURNS = 20;

const planSchema = z.object({
  goal: z.string().min(1).max(2_000),
  turns: z.array(turnSchema).max(MAX_TURNS).default([]),
});
type Plan = z.output<typeof planSchema>;

function modelInUse(): Model {
  const configured = process.env['GEMINI_MODEL'];
  return configured === undefined ? scriptedModel : geminiModel(configured);
}

/**
 * One turn of the model, recorded like any operation: after a crash the recorded turn is read again, so
 * that the plan stands and no tool is chosen twice. Its token comes from the root and the turn's place,
 * never from the model's own call id, which is another one each time.
 */
export const planTurn = defineStep({
  action: 'planner.turn',
  effect: 'pure',
  params: planSchema,
  async run({ params: { goal, turns }, signal }): Promise<Decision> {
    if (turns.length >= MAX_TURNS) {
      throw new TerminalError('too_many_turns', `No answer after ${MAX_TURNS} turns.`);
    }
    const decision = await modelInUse().decide(goal, turns, TOOLS, signal);
    if (decision.kind === 'tool' && !tools.has(decision.tool)) {
      throw new TerminalError(
        'unknown_tool',
        `The model asked for "${decision.tool}", which is no tool.`,
      );
    }
    return decisionSchema.parse(decision);
  },
  next: (decision, { goal, turns }) =>
    decision.kind === 'done' ? [] : [call(decision, goal, turns)],
});

interface Tool extends ToolDescription {
  readonly step: AnyStep;
}

/** What a tool's step is given: its arguments, and the plan that it is part of. */
function toolParams<Args extends z.ZodType>(args: Args) {
  return z.object({ args, plan: planSchema });
}

/** The turn that follows a tool's answer. */
function nextTurn(tool: string, args: object, result: unknown, { goal, turns }: Plan): FollowUp[] {
  const turn: Turn = { tool, args: { ...args }, result };
  return [planTurn.task({ goal, turns: [...turns, turn] })];
}

const searchArgs = z.object({ query: z.string() });
const search = defineStep({
  action: 'tools.search',
  effect: 'pure',
  params: toolParams(searchArgs),
  run: ({ params: { args } }) => ({ found: [`Hotel for ${args.query}`] }),
  next: (result, { args, plan }) => nextTurn('search', args, result, plan),
});

const bookArgs = z.object({ what: z.string(), orderId: z.string() });
/** The provider can be asked by tracking id what became of a booking. */
const book = defineStep({
  action: 'tools.book',
  effect: 'reconcilable',
  params: toolParams(bookArgs),
  async run({ params: { args }, start, signal }) {
    const trackingId = await start();
    signal.throwIfAborted();
    const { effect } = await asking(() => provider().tracked(args, { trackingId, signal }));
    return { bookingId: effect.id };
  },
  async reconcile({ trackingId, signal }) {
    const status = await provider().trackedStatus(trackingId, { signal });
    if (status.state === 'absent') return status;
    return { state: 'committed', result: { bookingId: status.effect.id } };
  },
  next: (result, { args, plan }) => nextTurn('book', args, result, plan),
});

const payArgs = z.object({ amountCents: z.int(), orderId: z.string() });
const pay = defineStep({
  action: 'tools.pay',
  effect: 'idempotent',
  params: toolParams(payArgs),
  async run({ params: { args }, idempotencyKey, signal }) {
    signal.throwIfAborted();
    const { effect } = await asking(() => provider().keyed(args, { idempotencyKey, signal }));
    return { paymentId: effect.id };
  },
  next: (result, { args, plan }) => nextTurn('pay', args, result, plan),
});

const tools: ReadonlyMap<string, Tool> = new Map(
  [
    tool('search', 'Finds places to stay.', search, searchArgs),
    tool('book', 'Books what was found.', book, bookArgs),
    tool('pay', 'Pays for the booking.', pay, payArgs),
  ].map((described) => [described.name, described]),
);

const TOOLS: readonly ToolDescription[] = [...tools.values()];

function tool(name: string, purpose: string, step: AnyStep, args: z.ZodType): Tool {
  return { name, purpose, step, args: z.toJSONSchema(args) as Record<string, unknown> };
}

function call(
  { tool: name, args }: Extract<Decision, { kind: 'tool' }>,
  goal: string,
  turns: readonly Turn[],
): FollowUp {
  const chosen = tools.get(name);
  if (!chosen) throw new TerminalError('unknown_tool', `"${name}" is no tool.`);
  return chosen.step.task({ args, plan: { goal, turns } });
}

/** The planner and its tools, to be registered. */
export const plannerSteps: readonly AnyStep[] = [planTurn, search, book, pay];
