import type { Environment } from './environment.ts';

type Checked = Pick<
  Environment,
  | 'functionTimeoutSeconds'
  | 'ackDeadlineSeconds'
  | 'retention'
  | 'runTask'
  | 'apiService'
  | 'variables'
>;

/** What is wrong between settings that are each right by themselves. */
export function* crossFaults(given: Checked): Generator<[path: string, message: string]> {
  const { functionTimeoutSeconds: timeout, ackDeadlineSeconds: deadline, retention: kept } = given;
  if (timeout >= deadline) {
    yield ['functionTimeoutSeconds', `must be below ackDeadlineSeconds (${deadline})`];
  }
  const { nearlineAfterDays: nearline, coldlineAfterDays: coldline, archiveAfterDays } = kept;
  if (nearline >= coldline || coldline >= archiveAfterDays) {
    yield ['retention', 'nearlineAfterDays < coldlineAfterDays < archiveAfterDays must hold'];
  }
  if (kept.deleteAfterDays !== undefined && kept.deleteAfterDays <= archiveAfterDays) {
    yield ['retention.deleteAfterDays', `must be above archiveAfterDays (${archiveAfterDays})`];
  }
  if (kept.lock && (kept.deleteAfterDays ?? Infinity) < kept.lock.days) {
    yield ['retention.lock.days', `must not be above deleteAfterDays (${kept.deleteAfterDays})`];
  }
  for (const part of ['runTask', 'apiService'] as const) {
    const { minInstances, maxInstances, concurrency, cpu } = given[part];
    if (minInstances > maxInstances) {
      yield [`${part}.minInstances`, `must not be above maxInstances (${maxInstances})`];
    }
    if (concurrency > 1 && Number(cpu) < 1) {
      yield [`${part}.cpu`, 'must be at least 1 where concurrency is above 1'];
    }
  }
  for (const name of Object.keys(given.variables)) {
    if (/^(?:AGENT_ONCE_|GOOGLE_CLOUD_PROJECT$|FUNCTION_|K_|PORT$)/.test(name)) {
      yield [`variables.${name}`, 'is set by the deployment itself'];
    }
  }
}
