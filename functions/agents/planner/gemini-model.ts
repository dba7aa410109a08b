import { decisionSchema } from './model.ts';
import type { Decision, Model, ToolDescription, Turn } from './model.ts';

/**
 * Gemini through @google/genai, an optional dependency: `npm install @google/genai`. Credentials come
 * from the environment (`GEMINI_API_KEY`, or Vertex AI's variables), as that package documents.
 */
export function geminiModel(model: string): Model {
  return {
    name: model,
    async decide(goal, turns, tools, signal) {
      const { GoogleGenAI, FunctionCallingConfigMode } = await import('@google/genai');
      const answer = await new GoogleGenAI({}).models.generateContent({
        model,
        contents: prompt(goal, turns),
        config: {
          abortSignal: signal,
          temperature: 0,
          tools: [{ functionDeclarations: tools.map(declaration) }],
          toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } },
          automaticFunctionCalling: { disable: true },
        },
      });
      return decisionFrom(answer.functionCalls?.[0], answer.text);
    },
  };
}

function declaration({ name, purpose, args }: ToolDescription) {
  return { name, description: purpose, parametersJsonSchema: args };
}

function prompt(goal: string, turns: readonly Turn[]): string {
  const past = turns.map(
    ({ tool, args, result }) =>
      `${tool}(${JSON.stringify(args)}) answered ${JSON.stringify(result)}`,
  );
  return [
    `Goal: ${goal}`,
    'Call one tool at a time. When the goal is reached, answer in one sentence without a tool.',
    past.length === 0 ? 'Nothing was done yet.' : `Done so far:\n${past.join('\n')}`,
  ].join('\n\n');
}

function decisionFrom(
  call: { name?: string; args?: Record<string, unknown> } | undefined,
  text: string | undefined,
): Decision {
  return decisionSchema.parse(
    call
      ? { kind: 'tool', tool: call.name, args: call.args ?? {} }
      : { kind: 'done', answer: text ?? '' },
  );
}
