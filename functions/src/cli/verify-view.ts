import type { CheckReport, VerifyReport } from '../verify/index.ts';
import type { Paint } from './paint.ts';

/** The report for people: each step, and under it why it failed or was not checked. */
export function describeReport({ url, checks }: VerifyReport, paint: Paint): string {
  const lines = checks.flatMap((check) => linesOf(check, paint));
  return [paint('bold', url), '', ...lines, '', summary(checks)].join('\n');
}

function linesOf(check: CheckReport, paint: Paint): string[] {
  const { title } = check;
  switch (check.outcome) {
    case 'passed':
      return [`  ${paint('green', 'passed')}       ${title}`, ...under(check.note)];
    case 'failed':
      return [`  ${paint('red', 'failed')}       ${title}`, ...under(check.why)];
    case 'not_checked':
      return [`  ${paint('yellow', 'not checked')}  ${title}`, ...under(check.why)];
  }
}

function under(text: string | undefined): string[] {
  return text === undefined ? [] : [`               ${text}`];
}

function summary(checks: readonly CheckReport[]): string {
  const count = (outcome: CheckReport['outcome']): number =>
    checks.filter((check) => check.outcome === outcome).length;
  const parts = [`${count('passed')} passed`, `${count('failed')} failed`];
  const open = count('not_checked');
  return `${[...parts, ...(open === 0 ? [] : [`${open} not checked`])].join(', ')}.`;
}
