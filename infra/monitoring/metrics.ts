import { ANY_DECISION, decided, OUR_LINES } from './log-filter.ts';

/** A metric that Cloud Logging makes from the lines that the functions write. */
export interface LogMetric {
  readonly description: string;
  readonly filter: string;
  /** Metric label → field of the line. Bounded values only: never a token or a message's id. */
  readonly labels: Readonly<Record<string, string>>;
  /** Present where a line's number is collected, not only that there is one. */
  readonly value?: {
    readonly field: string;
    readonly unit: 'ms';
    /** Upper bounds; Cloud Monitoring interpolates between them. */
    readonly bounds: readonly number[];
  };
}

const ACTION = { action: 'jsonPayload.decision.action' };
const OUTCOME = { outcome: 'jsonPayload.decision.outcome' };
const LATENCY_BOUNDS = [1, 2, 5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 200, 300, 500, 1_000, 5_000];
const STEP_BOUNDS = [10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 15_000, 60_000, 300_000, 600_000];
const LAG_BOUNDS = [1, 5, 15, 30, 60, 120, 240, 480, 1_440, 4_320].map(
  (minutes) => minutes * 60_000,
);

export const METRICS = {
  agent_once_decisions: {
    description: 'Decisions about deliveries and calls.',
    filter: ANY_DECISION,
    labels: { ...OUTCOME, ...ACTION, class: 'jsonPayload.decision.class' },
  },
  agent_once_attempts: {
    description: 'Decisions that ended an attempt: what duplicates are counted among.',
    filter: `${ANY_DECISION} AND NOT jsonPayload.decision.outcome=("claimed" OR "held" OR "free")`,
    labels: ACTION,
  },
  agent_once_duplicates: {
    description:
      'Duplicate attempts: deliveries and calls of what was done already, or is under way.',
    filter: decided('replayed', 'in_flight_here', 'in_flight_elsewhere'),
    labels: { ...OUTCOME, ...ACTION },
  },
  agent_once_mismatches: {
    description: 'Token collisions: another request under a token that is taken.',
    filter: decided('mismatch'),
    labels: ACTION,
  },
  agent_once_expired: {
    description:
      'Expiration misses: operations asked for after they, or their payload, were forgotten.',
    filter: `${OUR_LINES} AND jsonPayload.expirationMiss.reason:*`,
    labels: {
      reason: 'jsonPayload.expirationMiss.reason',
      action: 'jsonPayload.expirationMiss.action',
    },
  },
  agent_once_in_doubt: {
    description: 'Effects of which nobody can tell whether they happened.',
    filter: decided('in_doubt'),
    labels: ACTION,
  },
  agent_once_dead_letters: {
    description: 'Messages that can never be run, in the dead-letter topic with their reason.',
    filter: decided('invalid', 'mismatch', 'expired'),
    labels: { ...OUTCOME, ...ACTION },
  },
  agent_once_refused_follow_ups: {
    description:
      'Tasks that were to follow from a result and can never be run as they were asked for.',
    filter: `${OUR_LINES} AND severity>=ERROR AND jsonPayload.error.code="follow_up_refused"`,
    labels: { action: 'jsonPayload.action' },
  },
  agent_once_store_away: {
    description: 'Tasks that were not run because the store could not be reached.',
    filter: decided('store_away'),
    labels: ACTION,
  },
  agent_once_drift: {
    description: 'Recorded results that were returned to the same request in another context.',
    filter: `${ANY_DECISION} AND jsonPayload.decision.drift=true`,
    labels: ACTION,
  },
  agent_once_stuck_workflows: {
    description:
      'Workflows that are parked until a person acts, or that a sweep could not look after.',
    filter: `${OUR_LINES} AND severity>=ERROR AND jsonPayload.workflow:*`,
    labels: { workflow: 'jsonPayload.workflow' },
  },
  agent_once_check_latency: {
    description: 'How long asking for a token took.',
    filter: `${ANY_DECISION} AND jsonPayload.decision.checkMilliseconds>0`,
    labels: { store: 'jsonPayload.decision.store' },
    value: { field: 'jsonPayload.decision.checkMilliseconds', unit: 'ms', bounds: LATENCY_BOUNDS },
  },
  agent_once_step_latency: {
    description: 'How long completed tasks took, from delivery to record.',
    filter: decided('completed'),
    labels: ACTION,
    value: { field: 'jsonPayload.decision.milliseconds', unit: 'ms', bounds: STEP_BOUNDS },
  },
  agent_once_archive_lag: {
    description: 'How long the oldest expired operation of a shard has waited to be archived.',
    filter: `${OUR_LINES} AND jsonPayload.archived.lagMs>=0`,
    labels: {},
    value: { field: 'jsonPayload.archived.lagMs', unit: 'ms', bounds: LAG_BOUNDS },
  },
} as const satisfies Record<string, LogMetric>;

export type MetricName = keyof typeof METRICS;
