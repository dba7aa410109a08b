import { RETENTION_CLASSES } from '../functions/src/config.ts';
import type { Environment } from './environment.ts';

const DAY_MS = 86_400_000;

/** How long a built-in class may need what was copied to the archive: to its cap, and until it is forgotten. */
const NEEDED_DAYS = Math.ceil(
  (Math.max(...RETENTION_CLASSES.map(({ forgetMs }) => forgetMs)) +
    Math.max(...RETENTION_CLASSES.map(({ capMs }) => capMs))) /
    DAY_MS,
);

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
  if (kept.deleteAfterDays !== undefined && kept.deleteAfterDays <= NEEDED_DAYS) {
    yield [
      'retention.deleteAfterDays',
      `must be at least ${NEEDED_DAYS + 1}: until then archived operations are still known and replayed`,
    ];
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
