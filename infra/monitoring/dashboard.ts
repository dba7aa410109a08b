import type { Environment } from '../environment.ts';
import {
  DEAD_LETTERS,
  FUNCTION_NAMES,
  functionId,
  subscriptionName,
  TOPICS,
} from '../resource-names.ts';
import { OUR_LINES } from './log-filter.ts';
import { duplicatePercent, increase, quantile } from './promql.ts';

interface Chart {
  readonly title: string;
  readonly unit?: string;
  /** Legend → query. */
  readonly queries: Readonly<Record<string, string>>;
  /** A line at which an alert goes off. */
  readonly limit?: number;
}

const WIDTH = 16;
const HEIGHT = 12;
const COLUMNS = 3;

const SERVICES = FUNCTION_NAMES.map(functionId).join('|');
const run = (metric: string, by: string) =>
  `sum by (${by}) (rate(run_googleapis_com:${metric}{monitored_resource="cloud_run_revision",service_name=~"${SERVICES}"}[5m]))`;
const subscribed = (metric: string, subscription: string) =>
  `max(pubsub_googleapis_com:subscription_${metric}{monitored_resource="pubsub_subscription",subscription_id="${subscription}"})`;

/** What somebody on call looks at, the questions that alerts raise first. */
function charts({ alerts, database }: Environment): readonly Chart[] {
  const percentiles = (metric: 'agent_once_check_latency' | 'agent_once_step_latency') => ({
    p50: quantile(metric, 0.5, '5m'),
    p95: quantile(metric, 0.95, '5m'),
    p99: quantile(metric, 0.99, '5m'),
  });
  const counted = (metric: Parameters<typeof increase>[0], by = 'action') => ({
    [`{{${by}}}`]: increase(metric, '5m', by),
  });
  return [
    { title: 'Decisions by outcome', queries: counted('agent_once_decisions', 'outcome') },
    {
      title: 'Duplicate attempts, %',
      queries: { duplicates: duplicatePercent('10m') },
      limit: alerts.duplicatesPercent,
    },
    {
      title: 'Asking for a token, ms',
      unit: 'ms',
      queries: percentiles('agent_once_check_latency'),
      limit: alerts.checkP99Ms,
    },
    { title: 'In doubt', queries: counted('agent_once_in_doubt') },
    { title: 'Dead letters by reason', queries: counted('agent_once_dead_letters', 'outcome') },
    { title: 'Refused follow-ups', queries: counted('agent_once_refused_follow_ups') },
    { title: 'Stuck workflows', queries: counted('agent_once_stuck_workflows', 'workflow') },
    { title: 'Token collisions (mismatches)', queries: counted('agent_once_mismatches') },
    { title: 'Expiration misses', queries: counted('agent_once_expired') },
    { title: 'Drift: same request, other context', queries: counted('agent_once_drift') },
    {
      title: 'Archive lag, ms',
      unit: 'ms',
      queries: { p99: quantile('agent_once_archive_lag', 0.99, '30m') },
      limit: alerts.archiveLagMinutes * 60_000,
    },
    { title: 'Refused because the store was away', queries: counted('agent_once_store_away') },
    {
      title: 'Completed tasks, ms',
      unit: 'ms',
      queries: percentiles('agent_once_step_latency'),
    },
    {
      title: 'Tasks published per second',
      queries: {
        tasks: `sum(rate(pubsub_googleapis_com:topic_send_request_count{monitored_resource="pubsub_topic",topic_id="${TOPICS.tasks}"}[5m]))`,
      },
    },
    {
      title: 'Tasks that wait',
      queries: {
        messages: subscribed('num_undelivered_messages', subscriptionName('tasks')),
        'oldest, s': subscribed('oldest_unacked_message_age', subscriptionName('tasks')),
      },
    },
    {
      title: 'Dead letters kept',
      queries: {
        tasks: subscribed('num_undelivered_messages', subscriptionName(DEAD_LETTERS.tasks)),
        'archive shards': subscribed(
          'num_undelivered_messages',
          subscriptionName(DEAD_LETTERS.archiveShards),
        ),
      },
    },
    {
      title: 'Requests by function',
      queries: { '{{service_name}}': run('request_count', 'service_name') },
    },
    {
      title: 'Answers by status',
      queries: { '{{response_code_class}}': run('request_count', 'response_code_class') },
    },
    {
      title: 'Instances',
      queries: {
        '{{service_name}}': `sum by (service_name) (run_googleapis_com:container_instance_count{monitored_resource="cloud_run_revision",service_name=~"${SERVICES}"})`,
      },
    },
    {
      title: 'Firestore calls per second',
      queries: {
        '{{api_method}}': `sum by (api_method) (rate(firestore_googleapis_com:api_request_count{monitored_resource="firestore.googleapis.com/Database",database_id="${database}"}[5m]))`,
      },
    },
  ];
}

function xyChart({ title, queries, limit, unit }: Chart): object {
  return {
    title,
    xyChart: {
      dataSets: Object.entries(queries).map(([legendTemplate, prometheusQuery]) => ({
        legendTemplate,
        plotType: 'LINE',
        targetAxis: 'Y1',
        timeSeriesQuery: { prometheusQuery, ...(unit !== undefined && { unitOverride: unit }) },
      })),
      ...(limit !== undefined && {
        thresholds: [{ label: 'alert', value: limit, targetAxis: 'Y1' }],
      }),
      yAxis: { scale: 'LINEAR' },
    },
  };
}

/** Cloud Monitoring's JSON of the dashboard. */
export function dashboardJson(environment: Environment): string {
  const shown = charts(environment);
  const tiles = shown.map((chart, place) => ({
    xPos: (place % COLUMNS) * WIDTH,
    yPos: Math.floor(place / COLUMNS) * HEIGHT,
    width: WIDTH,
    height: HEIGHT,
    widget: xyChart(chart),
  }));
  const below = Math.ceil(shown.length / COLUMNS) * HEIGHT;
  const warnings = {
    xPos: 0,
    yPos: below,
    width: WIDTH * COLUMNS,
    height: 2 * HEIGHT,
    widget: {
      title: 'Warnings and errors',
      logsPanel: { filter: `${OUR_LINES} AND severity>=WARNING` },
    },
  };
  return JSON.stringify({
    displayName: `agent-once, ${environment.name}`,
    mosaicLayout: { columns: WIDTH * COLUMNS, tiles: [...tiles, warnings] },
  });
}
