import type { Environment } from '../environment.ts';
import { subscriptionName } from '../resource-names.ts';
import type { Route } from '../resource-names.ts';
import type { MetricName } from './metrics.ts';
import { duplicatePercent, increase, quantile } from './promql.ts';

export type Condition =
  | {
      readonly kind: 'query';
      readonly title: string;
      readonly query: string;
      readonly forSeconds: number;
    }
  /** At least one within a minute. */
  | {
      readonly kind: 'any';
      readonly title: string;
      readonly metric: string;
      readonly resource: string;
    }
  | {
      readonly kind: 'silence';
      readonly title: string;
      readonly metric: MetricName;
      readonly seconds: number;
    };

export interface Alert {
  readonly title: string;
  readonly severity: 'CRITICAL' | 'ERROR' | 'WARNING';
  /** What it means, for whoever is woken by it. The rest is in the runbook's section of the same name. */
  readonly means: string;
  readonly conditions: readonly [Condition, ...Condition[]];
}

/** Below this a percentage says nothing: one duplicate of three calls is a third. */
const LEAST_ATTEMPTS = 20;
const CLOUD_RUN = 'resource.type="cloud_run_revision"';
const LONGEST_SILENCE_SECONDS = 23 * 3_600;

const any = (metric: MetricName, title: string): Condition => ({
  kind: 'any',
  title,
  metric: `logging.googleapis.com/user/${metric}`,
  resource: CLOUD_RUN,
});

/** Only Pub/Sub itself knows of these: no function took them. */
const givenUp = (route: Route, title: string): Condition => ({
  kind: 'any',
  title,
  metric: 'pubsub.googleapis.com/subscription/dead_letter_message_count',
  resource:
    'resource.type="pubsub_subscription" AND ' +
    `resource.labels.subscription_id="${subscriptionName(route)}"`,
});

/** The alerts of an environment, by their section in docs/runbook.md. */
export function alertsOf({ alerts }: Pick<Environment, 'alerts'>): Readonly<Record<string, Alert>> {
  const { duplicatesPercent, checkP99Ms, archiveLagMinutes } = alerts;
  const lagSeconds = archiveLagMinutes * 60;
  const subscription = subscriptionName('tasks');
  return {
    'many-duplicates': {
      title: `Duplicates above ${duplicatesPercent} %`,
      severity: 'WARNING',
      means:
        'Agents ask for what was done already, unusually often: a retry storm, or keys made wrongly.',
      conditions: [
        {
          kind: 'query',
          title: `More than ${duplicatesPercent} % of at least ${LEAST_ATTEMPTS} attempts in 10 minutes`,
          query:
            `${duplicatePercent('10m')} > ${duplicatesPercent} ` +
            `and ${increase('agent_once_attempts', '10m')} >= ${LEAST_ATTEMPTS}`,
          forSeconds: 300,
        },
      ],
    },
    'slow-checks': {
      title: `Checks slower than ${checkP99Ms} ms at p99`,
      severity: 'WARNING',
      means: 'Asking for a token takes long, and with it every step.',
      conditions: [
        {
          kind: 'query',
          title: `p99 above ${checkP99Ms} ms over 5 minutes`,
          query: `${quantile('agent_once_check_latency', 0.99, '5m')} > ${checkP99Ms}`,
          forSeconds: 300,
        },
      ],
    },
    'in-doubt': {
      title: 'An operation is in doubt',
      severity: 'CRITICAL',
      means: 'An effect may have happened or not, and nothing can tell but a person. It waits.',
      conditions: [any('agent_once_in_doubt', 'Any operation in doubt')],
    },
    'dead-letters': {
      title: 'A message was dead-lettered',
      severity: 'ERROR',
      means: 'A task was not run and will not be, unless somebody replays it.',
      conditions: [
        any('agent_once_dead_letters', 'Any message that can never be run'),
        any('agent_once_refused_follow_ups', 'Any follow-up that was refused for good'),
        givenUp('tasks', 'Any task that Pub/Sub gave up'),
        givenUp('archiveShards', 'Any shard that Pub/Sub gave up having archived'),
      ],
    },
    'stuck-workflows': {
      title: 'A workflow is stuck',
      severity: 'ERROR',
      means:
        'A workflow is parked, or a sweep could not look after it. It stands still until a person acts.',
      conditions: [any('agent_once_stuck_workflows', 'Any workflow parked or not looked after')],
    },
    'archive-lag': {
      title: `Archiving is more than ${archiveLagMinutes} minutes behind`,
      severity: 'WARNING',
      means: 'Expired operations stay in Firestore. Nothing is lost; it costs more with every day.',
      conditions: [
        {
          kind: 'query',
          title: `An expired operation has waited for ${archiveLagMinutes} minutes`,
          query: `${quantile('agent_once_archive_lag', 0.99, '30m')} > ${lagSeconds * 1_000}`,
          forSeconds: 900,
        },
        {
          kind: 'silence',
          title: 'No shard has been archived',
          metric: 'agent_once_archive_lag',
          seconds: Math.min(Math.max(lagSeconds, 3_600), LONGEST_SILENCE_SECONDS),
        },
      ],
    },
    'store-away': {
      title: 'The store is away',
      severity: 'CRITICAL',
      means: 'Firestore could not be reached. Nothing runs unprotected: tasks wait in Pub/Sub.',
      conditions: [
        {
          kind: 'query',
          title: 'Tasks refused because of it, for 5 minutes',
          query: `${increase('agent_once_store_away', '5m')} > 0`,
          forSeconds: 300,
        },
      ],
    },
    'tasks-wait': {
      title: 'Tasks wait to be delivered',
      severity: 'WARNING',
      means: 'The oldest task has not been acknowledged for half an hour.',
      conditions: [
        {
          kind: 'query',
          title: 'Oldest unacknowledged task is older than 30 minutes',
          query: `max(pubsub_googleapis_com:subscription_oldest_unacked_message_age{monitored_resource="pubsub_subscription",subscription_id="${subscription}"}) > 1800`,
          forSeconds: 600,
        },
      ],
    },
  };
}
