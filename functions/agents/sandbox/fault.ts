import { z } from 'zod';
import { orderIdSchema } from './contract.ts';

/** `times` is how many calls the fault hits before it is used up. */
const times = z.int().min(1).max(1_000_000).default(1);
/**
 * `path` narrows a fault to one route and those below it, `match` to one order. Without a path it hits
 * the calls that make an effect, and leaves the status queries alone.
 */
const aim = {
  path: z.string().startsWith('/').optional(),
  match: orderIdSchema.optional(),
  times,
};
const serverErrorStatus = z.int().min(500).max(599).default(500);

/**
 * - `answer_lost`: the effect is written, then the connection is cut with no answer.
 * - `request_lost`: the connection is cut and there is no effect.
 * - `error`, `error_after`: a 5xx, before the effect or after it was written.
 * - `refuse`: a 4xx, no effect.   `throttle`: a 429 with `Retry-After`, no effect.
 * - `slow`: effect and answer come after `ms`, even when the caller has gone.
 * - `hold`, `hold_answer`: waits for `POST /admin/release`, before the effect or after it was written.
 * - `down`: 503 to every call and query, whatever its path or order.
 */
export const faultSchema = z.discriminatedUnion('fault', [
  z.strictObject({ fault: z.literal('answer_lost'), ...aim }),
  z.strictObject({ fault: z.literal('request_lost'), ...aim }),
  z.strictObject({ fault: z.literal('error'), status: serverErrorStatus, ...aim }),
  z.strictObject({ fault: z.literal('error_after'), status: serverErrorStatus, ...aim }),
  z.strictObject({
    fault: z.literal('refuse'),
    status: z.int().min(400).max(499).default(422),
    code: z.string().min(1).max(100).default('refused'),
    ...aim,
  }),
  z.strictObject({
    fault: z.literal('throttle'),
    retryAfterSeconds: z.int().min(0).max(86_400),
    ...aim,
  }),
  z.strictObject({ fault: z.literal('slow'), ms: z.int().min(0).max(600_000), ...aim }),
  z.strictObject({ fault: z.literal('hold'), ...aim }),
  z.strictObject({ fault: z.literal('hold_answer'), ...aim }),
  z.strictObject({ fault: z.literal('down'), times }),
]);

export type Fault = z.infer<typeof faultSchema>;
/** A fault as a caller asks for it, defaults left out. */
export type FaultRequest = z.input<typeof faultSchema>;

/** Whether a route lies at or below a fault's path. */
export function covers(path: string, route: string): boolean {
  return route === path || route.startsWith(`${path}/`);
}
