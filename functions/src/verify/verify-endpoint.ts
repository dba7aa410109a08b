import { CHECKS, runFirst } from './checks.ts';
import type { CheckName } from './checks.ts';
import { NoReply, targetOf } from './target.ts';
import type { VerifyOptions } from './target.ts';
import { failed, notChecked, PASSED } from './verdict.ts';
import type { Verdict } from './verdict.ts';

export type CheckReport = {
  readonly name: CheckName;
  /** The step, as a sentence. */
  readonly title: string;
} & Verdict;

export interface VerifyReport {
  readonly url: string;
  /** Nothing failed. What was not checked doesn't count: see `checks`. */
  readonly passed: boolean;
  readonly checks: readonly CheckReport[];
  /** What failed and why, one sentence each: `expect(report.failures).toEqual([])`. */
  readonly failures: readonly string[];
}

const FIRST = { name: 'first', title: 'an operation: a result' } as const;

/**
 * Runs the integration steps of idempotency against an endpoint that takes `Idempotency-Key`: the same
 * operation, other parameters, identical requests at once, after a restart and after expiry.
 *
 * Each run uses keys of its own, so it may be repeated; the endpoint makes three effects where it is
 * right, and one more each for a restart and for expiry. Never throws for what the endpoint does.
 *
 * @throws {RangeError} where there is nothing in the body to vary
 */
export async function verifyEndpoint(options: VerifyOptions): Promise<VerifyReport> {
  const target = targetOf(options);
  const first = await judged(() => runFirst(target));
  const checks: CheckReport[] = [];
  if ('outcome' in first) {
    checks.push({ ...FIRST, ...first });
    const why = 'There is no first result to compare with.';
    checks.push(...CHECKS.map(({ name, title }) => ({ name, title, ...notChecked(why) })));
  } else {
    checks.push({ ...FIRST, ...PASSED });
    for (const { name, title, run } of CHECKS) {
      checks.push({ name, title, ...(await judged(() => run(target, first))) });
    }
  }
  const failures = checks.flatMap((check) =>
    check.outcome === 'failed' ? [`${check.title}: ${check.why}`] : [],
  );
  return { url: String(options.url), passed: failures.length === 0, checks, failures };
}

async function judged<T>(run: () => Promise<T | Verdict>): Promise<T | Verdict> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof NoReply) return failed('no_success', error.message);
    throw error;
  }
}
