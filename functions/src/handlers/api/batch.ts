import { z } from '@hono/zod-openapi';
import type { Answer } from './answer.ts';
import { problemSchema } from './problem.ts';
import type { ReadOperation } from './read-operation.ts';

/** The answers to a batch's items, in the order asked. */
export function batchSchema(name: string, item: z.ZodType) {
  return z
    .object({
      answers: z.array(
        z.object({
          status: z.int().describe('As the single call would be answered.'),
          duplicateOf: z
            .int()
            .optional()
            .describe('The first item of this batch that asks for the same operation.'),
          answer: item.optional(),
          problem: problemSchema.optional(),
        }),
      ),
    })
    .openapi(name);
}

export function batchAnswer(
  answers: readonly Answer[],
  duplicateOf: readonly (number | undefined)[],
): Answer {
  const items = answers.map(({ status, body }, index) => ({
    status,
    ...(duplicateOf[index] !== undefined && { duplicateOf: duplicateOf[index] }),
    ...(status < 300 ? { answer: body } : { problem: body }),
  }));
  return { status: 200, body: { answers: items } };
}

/** For each item, the earlier one that asks for the same operation, if there is one. */
export function firstOf(reads: readonly ReadOperation[]): (number | undefined)[] {
  const first = new Map<string, number>();
  return reads.map((read, index) => {
    if (read.kind === 'invalid') return undefined;
    const { token } = read.operation.facts;
    const earlier = first.get(token);
    if (earlier === undefined) first.set(token, index);
    return earlier;
  });
}
