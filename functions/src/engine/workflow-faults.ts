import type { z } from 'zod';
import { parseAction } from '../token/token.ts';
import type { Member, WorkflowHead } from './define-workflow.ts';

const MEMBER_NAME = /^[a-z][a-zA-Z0-9_]{0,62}$/;
/** A group's members are fields of one document. */
const LARGEST_GROUP = 100;

/** All that is wrong with a definition. */
export function faultsOf(
  { name, version, deadlineMs }: WorkflowHead<z.ZodType>,
  stages: readonly (readonly Member[])[],
): string[] {
  const faults: string[] = [];
  if (parseAction(name) === undefined) faults.push('its name must be dotted lower-case words');
  if (!Number.isSafeInteger(version) || version < 1) faults.push('its version must count from 1');
  if (!isSpan(deadlineMs)) faults.push(`its deadlineMs is ${deadlineMs}, ${SPAN}`);
  if (stages.length === 0) faults.push('it has no steps');
  const met = new Set<string>();
  for (const stage of stages) {
    if (stage.length === 0) faults.push('a parallel group is empty');
    if (stage.length > LARGEST_GROUP) faults.push(`a group has over ${LARGEST_GROUP} members`);
    for (const member of stage) {
      if (!MEMBER_NAME.test(member.name)) faults.push(`"${member.name}" is no member name`);
      if (met.has(member.name)) faults.push(`two members are named "${member.name}"`);
      met.add(member.name);
      faults.push(...attemptFaults(member));
      if (!isSpan(member.deadlineMs)) {
        faults.push(`"${member.name}" has a deadlineMs of ${member.deadlineMs}, ${SPAN}`);
      }
    }
  }
  return faults;
}

const LONGEST_SPAN_MS = 100 * 365 * 86_400_000;
const SPAN = 'which must be positive, and at most a hundred years of milliseconds';

/** What a time may be moved on by and stay one that tasks can carry; or none is given. */
function isSpan(ms: number | undefined): boolean {
  return ms === undefined || (ms > 0 && ms <= LONGEST_SPAN_MS);
}

function attemptFaults({ name, maxAttempts, compensate }: Member): string[] {
  return [maxAttempts, compensate?.maxAttempts]
    .filter(
      (attempts) => attempts !== undefined && !(Number.isSafeInteger(attempts) && attempts >= 1),
    )
    .map((attempts) => `"${name}" has a maxAttempts of ${attempts}, which must count from 1`);
}
