import type { z } from 'zod';
import type { AnyStep } from './step.ts';

export type ParsedParams =
  | { readonly success: true; readonly data: unknown }
  | { readonly success: false; readonly faults: readonly string[] };

/**
 * Params as a step's schema has them, or each fault with its path. A schema that throws refuses its
 * params as well: they would make it throw at every delivery.
 */
export async function parseParams(
  { action, params: schema }: AnyStep,
  params: unknown,
): Promise<ParsedParams> {
  try {
    const parsed: z.ZodSafeParseResult<unknown> = await schema.safeParseAsync(params);
    if (parsed.success) return parsed;
    const faults = parsed.error.issues.map(
      ({ path, message }) => `${['params', ...path.map(String)].join('.')}: ${message}`,
    );
    return { success: false, faults };
  } catch (error) {
    return { success: false, faults: [`params: the schema of ${action} threw: ${String(error)}`] };
  }
}
