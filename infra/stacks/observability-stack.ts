import { LoggingMetric } from '@cdktf/provider-google/lib/logging-metric/index.js';
import { MonitoringAlertPolicy } from '@cdktf/provider-google/lib/monitoring-alert-policy/index.js';
import type { MonitoringAlertPolicyConditions } from '@cdktf/provider-google/lib/monitoring-alert-policy/index.js';
import { MonitoringDashboard } from '@cdktf/provider-google/lib/monitoring-dashboard/index.js';
import { MonitoringNotificationChannel } from '@cdktf/provider-google/lib/monitoring-notification-channel/index.js';
import { TerraformOutput } from 'cdktf';
import type { Construct } from 'constructs';
import { ProjectStack } from '../constructs/google-project.ts';
import type { Environment } from '../environment.ts';
import { alertsOf } from '../monitoring/alerts.ts';
import type { Alert, Condition } from '../monitoring/alerts.ts';
import { dashboardJson } from '../monitoring/dashboard.ts';
import { METRICS } from '../monitoring/metrics.ts';
import type { LogMetric } from '../monitoring/metrics.ts';

const RUNBOOK = 'docs/runbook.md';

/** Metrics from the functions' log lines, the dashboard and the alerts over them, and who is told. */
export class ObservabilityStack extends ProjectStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, 'observability', environment);
    const metrics = Object.entries(METRICS).map(([name, metric]) => this.#metric(name, metric));
    const channels = environment.alerts.emails.map(
      (email, number) =>
        new MonitoringNotificationChannel(this, `channel-${number}`, {
          displayName: `agent-once ${environment.name}: ${email}`,
          type: 'email',
          labels: { email_address: email },
        }),
    );
    for (const [section, alert] of Object.entries(alertsOf(environment))) {
      this.#alert(section, alert, channels, metrics);
    }
    const { id } = new MonitoringDashboard(this, 'dashboard', {
      dashboardJson: dashboardJson(environment),
    });
    new TerraformOutput(this, 'dashboard-id', { value: id });
  }

  #metric(name: string, { description, filter, labels, value }: LogMetric): LoggingMetric {
    return new LoggingMetric(this, `metric-${name}`, {
      name,
      description,
      filter,
      metricDescriptor: {
        metricKind: 'DELTA',
        valueType: value ? 'DISTRIBUTION' : 'INT64',
        unit: value?.unit ?? '1',
        labels: Object.keys(labels).map((key) => ({ key, valueType: 'STRING' })),
      },
      labelExtractors: Object.fromEntries(
        Object.entries(labels).map(([label, field]) => [label, `EXTRACT(${field})`]),
      ),
      ...(value && {
        valueExtractor: `EXTRACT(${value.field})`,
        bucketOptions: { explicitBuckets: { bounds: [...value.bounds] } },
      }),
    });
  }

  #alert(
    section: string,
    { title, severity, means, conditions }: Alert,
    channels: readonly MonitoringNotificationChannel[],
    dependsOn: LoggingMetric[],
  ): void {
    const { name, alerts } = this.environment;
    const { runbookUrl } = alerts;
    const page = `${runbookUrl ?? RUNBOOK}#${section}`;
    new MonitoringAlertPolicy(this, `alert-${section}`, {
      displayName: `agent-once ${name}: ${title}`,
      combiner: 'OR',
      severity,
      conditions: conditions.map(conditionOf),
      notificationChannels: channels.map(({ id }) => id),
      alertStrategy: { autoClose: '1800s' },
      // Google Cloud refuses an alert over a metric that does not exist yet.
      dependsOn,
      documentation: {
        mimeType: 'text/markdown',
        subject: `agent-once ${name}: ${title}`,
        content: `${means}\n\nWhat to do: ${page}`,
        ...(runbookUrl !== undefined && { links: [{ displayName: 'Runbook', url: page }] }),
      },
    });
  }
}

function conditionOf(condition: Condition): MonitoringAlertPolicyConditions {
  const { title: displayName } = condition;
  switch (condition.kind) {
    case 'query':
      return {
        displayName,
        conditionPrometheusQueryLanguage: {
          query: condition.query,
          duration: `${condition.forSeconds}s`,
          evaluationInterval: '60s',
        },
      };
    case 'any':
      return {
        displayName,
        conditionThreshold: {
          filter: `${condition.resource} AND metric.type="${condition.metric}"`,
          comparison: 'COMPARISON_GT',
          thresholdValue: 0,
          duration: '0s',
          aggregations: [
            {
              alignmentPeriod: '60s',
              perSeriesAligner: 'ALIGN_DELTA',
              crossSeriesReducer: 'REDUCE_SUM',
            },
          ],
        },
      };
    case 'silence':
      return {
        displayName,
        conditionAbsent: {
          filter: `resource.type="cloud_run_revision" AND metric.type="logging.googleapis.com/user/${condition.metric}"`,
          duration: `${condition.seconds}s`,
          aggregations: [
            {
              alignmentPeriod: '60s',
              perSeriesAligner: 'ALIGN_DELTA',
              crossSeriesReducer: 'REDUCE_SUM',
            },
          ],
        },
      };
  }
}
