import { z } from 'zod';

/** What the model chose in one turn: a tool to call, or that the goal is reached. */
export const decisionSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('tool'), tool: z.string(), args: z.record(z.string(), z.unknown()) }),
  z.object({ kind: z.literal('done'), answer: z.string() }),
]);
export type Decision = z.infer<typeof decisionSchema>;

/** A turn that is over: the tool that was called, and what it answered. */
export const turnSchema = z.object({
  tool: z.string(),
  args: z.record(z.string(), z.unknown()),
  result: z.unknown(),
});
export type Turn = z.infer<typeof turnSchema>;

export interface ToolDescription {
  readonly name: string;
  readonly purpose: string;
  /** JSON Schema of the arguments. */
  readonly args: Readonly<Record<string, unknown>>;
}

/** A language model, as far as the planner needs one: what comes next, given all that was. */
export interface Model {
  readonly name: string;
  decide(
    goal: string,
    turns: readonly Turn[],
    tools: readonly ToolDescription[],
    signal: AbortSignal,
  ): Promise<Decision>;
}
