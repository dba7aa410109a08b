/** The integration steps of idempotency, run against any endpoint. */
export type { CheckName } from './checks.ts';
export type { VerifyOptions } from './target.ts';
export type { Fault } from './verdict.ts';
export { verifyEndpoint } from './verify-endpoint.ts';
export type { CheckReport, VerifyReport } from './verify-endpoint.ts';
