import { FUNCTION_NAMES, functionId } from '../resource-names.ts';

const SERVICES = FUNCTION_NAMES.map((name) => `"${functionId(name)}"`).join(' OR ');

/** The lines of these functions, of no other service in the project. */
export const OUR_LINES = `resource.type="cloud_run_revision" AND resource.labels.service_name=(${SERVICES})`;

const OUTCOME = 'jsonPayload.decision.outcome';

/** Decisions with one of these outcomes. */
export function decided(...outcomes: readonly [string, ...string[]]): string {
  const [only, ...others] = outcomes.map((outcome) => `"${outcome}"`);
  const value = others.length === 0 ? only : `(${[only, ...others].join(' OR ')})`;
  return `${OUR_LINES} AND ${OUTCOME}=${value}`;
}

export const ANY_DECISION = `${OUR_LINES} AND ${OUTCOME}:*`;
