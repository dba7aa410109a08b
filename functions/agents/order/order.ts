import { z } from 'zod';

/** What a customer orders; every agent's task carries it whole. */
export const orderSchema = z.object({
  orderId: z.string().min(1).max(100),
  sku: z.string().min(1).max(100),
  quantity: z.int().min(1).max(1_000),
  amountCents: z.int().min(1).max(100_000_000),
  card: z.string().min(1).max(100),
  address: z.string().min(1).max(500),
});

export type Order = z.infer<typeof orderSchema>;
