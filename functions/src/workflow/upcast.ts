import { RetryableError } from '../operation/errors.ts';

/**
 * By the schema version that they start from: each brings a value to the next version. They are pure,
 * and stay for as long as anything written under their version is kept.
 */
export type Upcasters = Readonly<Record<number, (old: unknown) => unknown>>;

export interface SchemaSteps {
  /** The version that is written, from 1. */
  readonly schemaVersion: number;
  readonly upcasters: Upcasters;
}

/** What is wrong with a definition's steps: each version before the newest needs one, and only those. */
export function faultsOfSteps({ schemaVersion, upcasters }: SchemaSteps): string[] {
  if (!Number.isSafeInteger(schemaVersion) || schemaVersion < 1) {
    return [`its schemaVersion must count from 1, not ${schemaVersion}`];
  }
  const faults: string[] = [];
  for (let from = 1; from < schemaVersion; from += 1) {
    if (!Object.hasOwn(upcasters, from)) faults.push(`no upcaster leads on from version ${from}`);
  }
  for (const from of Object.keys(upcasters)) {
    const inRange = /^[1-9][0-9]*$/.test(from) && Number(from) < schemaVersion;
    if (!inRange) faults.push(`its upcaster from version ${from} leads nowhere`);
  }
  return faults;
}

/**
 * A value as the newest schema version has it. `what` names it in errors.
 *
 * @throws {RetryableError} `schema_newer` for a version that this build does not know: while a deploy
 * is under way, newer instances write what older ones can't read; `upcast_failed` for an upcaster that
 * throws, which a build with a better one heals
 */
export function upcast(
  what: string,
  from: number,
  value: unknown,
  { schemaVersion, upcasters }: SchemaSteps,
): unknown {
  if (from > schemaVersion) {
    throw new RetryableError(
      'schema_newer',
      `${what} was written under schema version ${from}, and this build knows versions up to ` +
        `${schemaVersion}. Deploy the newer build here too, or wait until its deploy is through.`,
    );
  }
  let current = value;
  for (let version = from; version < schemaVersion; version += 1) {
    const next = upcasters[version];
    if (!next) throw new RangeError(`${what} has schema version ${from}; versions count from 1.`);
    current = upcastOnce(what, version, next, current);
  }
  return current;
}

function upcastOnce(
  what: string,
  version: number,
  next: (old: unknown) => unknown,
  current: unknown,
): unknown {
  try {
    return next(current);
  } catch (error) {
    throw new RetryableError(
      'upcast_failed',
      `${what} can't be read: its upcaster from version ${version} threw: ${String(error)}. Mend that ` +
        'upcaster and deploy it; what is stored stays as it was written.',
      { cause: error },
    );
  }
}
