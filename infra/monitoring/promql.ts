import type { MetricName } from './metrics.ts';

/**
 * A log-based metric in PromQL. Cloud Monitoring can't tell by itself of which resource its points are
 * (https://cloud.google.com/monitoring/promql/promql-mapping).
 */
export function series(metric: MetricName, part: '' | '_bucket' | '_count' = ''): string {
  return `logging_googleapis_com:user_${metric}${part}{monitored_resource="cloud_run_revision"}`;
}

export const increase = (metric: MetricName, window: string, by?: string): string =>
  `sum${by === undefined ? '' : ` by (${by})`} (increase(${series(metric)}[${window}]))`;

export const quantile = (metric: MetricName, at: number, window: string): string =>
  `histogram_quantile(${at}, sum by (le) (rate(${series(metric, '_bucket')}[${window}])))`;

/** Duplicate attempts among all attempts, in percent. */
export const duplicatePercent = (window: string): string =>
  `100 * ${increase('agent_once_duplicates', window)} / ${increase('agent_once_attempts', window)}`;
