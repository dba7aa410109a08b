import { z } from 'zod';

/**
 * What the sandbox provider and its callers agree on. Amounts are whole cents, times ISO 8601 in UTC,
 * and a field that does not apply to an effect is `null`.
 */

export const orderIdSchema = z.string().min(1).max(200);
const skuSchema = z.string().min(1).max(100);
const effectIdSchema = z.string().min(1).max(100);
const quantitySchema = z.int().min(1).max(1_000_000);
const amountCentsSchema = z.int().min(1).max(1_000_000_000);
/** Goes into a URL path as one segment, so it can't be `.` or `..`. */
export const trackingIdSchema = z
  .string()
  .min(1)
  .max(200)
  .refine((id) => id !== '.' && id !== '..', 'is not a usable id');
export const idempotencyKeySchema = z.string().min(1).max(255);

export const reserveSchema = z.strictObject({
  orderId: orderIdSchema,
  sku: skuSchema,
  quantity: quantitySchema,
  trackingId: trackingIdSchema.optional(),
});
export const releaseSchema = z.strictObject({
  orderId: orderIdSchema,
  reservationId: effectIdSchema,
  quantity: quantitySchema,
  trackingId: trackingIdSchema.optional(),
});
/** The card `declined` is always declined. */
export const chargeSchema = z.strictObject({
  orderId: orderIdSchema,
  amountCents: amountCentsSchema,
  card: z.string().min(1).max(100),
});
export const refundSchema = z.strictObject({
  orderId: orderIdSchema,
  chargeId: effectIdSchema,
  amountCents: amountCentsSchema,
});
/** The address `undeliverable` is always refused. */
export const shipSchema = z.strictObject({
  orderId: orderIdSchema,
  address: z.string().min(1).max(500),
});
export const cancelSchema = z.strictObject({
  orderId: orderIdSchema,
  shipmentId: effectIdSchema,
});
/** The generic effects take any further fields; those count in the comparison of two bodies. */
export const genericSchema = z.looseObject({
  orderId: orderIdSchema,
  quantity: quantitySchema.optional(),
  amountCents: amountCentsSchema.optional(),
  trackingId: trackingIdSchema.optional(),
});
export const stockSchema = z.strictObject({
  sku: skuSchema,
  quantity: z.int().min(0).max(1_000_000_000),
});

export const agentSchema = z.enum(['inventory', 'payments', 'shipping', 'effects']);
export const kindSchema = z.enum([
  'reserve',
  'release',
  'charge',
  'refund',
  'ship',
  'cancel',
  'plain',
  'keyed',
  'tracked',
]);
/** By what a second sending of a call is recognised, if by anything. */
export const honoursSchema = z.enum(['nothing', 'idempotency-key', 'tracking-id']);

/** One accepted effect, as the ledger holds it. `id` is the kind and the ledger's sequence number. */
export const effectSchema = z.object({
  seq: z.int(),
  id: z.string(),
  agent: agentSchema,
  kind: kindSchema,
  honours: honoursSchema,
  orderId: z.string(),
  sku: z.string().nullable(),
  quantity: z.int().nullable(),
  amountCents: z.int().nullable(),
  /** The effect that this one takes back. */
  reverses: z.string().nullable(),
  /** As sent, also where the call honours no key. */
  idempotencyKey: z.string().nullable(),
  trackingId: z.string().nullable(),
  bodyHash: z.string(),
  at: z.iso.datetime(),
});

export const inputFaultSchema = z.object({ path: z.string(), message: z.string() });
/** The body of every answer that is not a success. */
export const refusalSchema = z.object({
  code: z.string(),
  message: z.string(),
  faults: z.array(inputFaultSchema).optional(),
  effect: effectSchema.optional(),
});

export const statusSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('committed'), effect: effectSchema }),
  z.object({ state: z.literal('absent') }),
]);

export type Effect = z.infer<typeof effectSchema>;
export type Agent = z.infer<typeof agentSchema>;
export type EffectKind = z.infer<typeof kindSchema>;
export type Honours = z.infer<typeof honoursSchema>;
export type InputFault = z.infer<typeof inputFaultSchema>;
export type EffectStatus = z.infer<typeof statusSchema>;
