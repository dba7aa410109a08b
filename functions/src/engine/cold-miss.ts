import type { Runtime } from './runtime.ts';

/**
 * `forgotten`: asked for after its token could be forgotten, so whether it ran is not known any more.
 * `payload_deleted`: known to have run, but its payload was deleted from cold storage.
 */
export type MissReason = 'forgotten' | 'payload_deleted';

/** An expiration miss: something was kept too short for whoever asked. A metric is made from the line. */
export function countMiss(
  { telemetry }: Pick<Runtime, 'telemetry'>,
  reason: MissReason,
  about: { readonly action: string; readonly class: string },
): void {
  const expirationMiss = { reason, ...about };
  telemetry.event('WARNING', 'An operation was asked for after it expired', { expirationMiss });
}
