import type { Environment } from './settings.ts';

/** The functions emulator of Firebase sets K_SERVICE as well. */
export function onCloudRun(given: Environment): boolean {
  return given['K_SERVICE'] !== undefined && given['FUNCTIONS_EMULATOR'] !== 'true';
}

/**
 * That Cloud Run's IAM lets only its invokers in, and takes the signature out of their tokens. Being on
 * Cloud Run does not say so: a service that anybody may invoke is there too, and its callers' tokens come
 * as they were sent.
 */
export function behindIam(given: Environment): { readonly verifiedByIam?: true } {
  const told = given['AGENT_ONCE_IAM_CHECKS_CALLERS'] === 'true';
  return told && onCloudRun(given) ? { verifiedByIam: true } : {};
}
