import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS } from '../../infra/monitoring/metrics.ts';
import type { MetricName } from '../../infra/monitoring/metrics.ts';
import { ofType } from '../../infra/policy/synthesised.ts';
import { functionId } from '../../infra/resource-names.ts';
import { functionsLog } from './support/functions-log.ts';
import { extracted, fieldOf, loggedEntry, parseFilter } from './support/log-filter.ts';
import type { LogEntry } from './support/log-filter.ts';
import { resourcesOf } from './support/synthesised-environment.ts';

const resources = resourcesOf('prod');
const outcomeOf = (entry: LogEntry) => fieldOf(entry, 'jsonPayload.decision.outcome');

/** What the lines of `functions-log.ts` must be counted as, told from the run and not from a filter. */
const COUNTED: Readonly<Record<Exclude<MetricName, 'agent_once_check_latency'>, number>> = {
  agent_once_decisions: 14,
  agent_once_attempts: 13,
  agent_once_duplicates: 3,
  agent_once_mismatches: 1,
  agent_once_expired: 1,
  agent_once_in_doubt: 1,
  agent_once_dead_letters: 3,
  agent_once_refused_follow_ups: 1,
  agent_once_store_away: 1,
  agent_once_drift: 1,
  agent_once_stuck_workflows: 1,
  agent_once_step_latency: 5,
  agent_once_archive_lag: 1,
};

describe('the metrics, over what the functions really log', () => {
  let entries: LogEntry[];

  beforeAll(async () => {
    const log = await functionsLog();
    entries = log.map(({ by, line }) => loggedEntry(line, functionId(by)));
  });

  const metrics = ofType(resources, 'google_logging_metric').map(({ attributes }) => attributes);
  const matching = (filter: unknown) => entries.filter(parseFilter(String(filter)));

  it('see a line of every kind', () => {
    expect(new Set(entries.map(outcomeOf))).toEqual(
      new Set([
        undefined,
        'completed',
        'replayed',
        'mismatch',
        'invalid',
        'expired',
        'in_doubt',
        'store_away',
        'claimed',
        'in_flight_here',
      ]),
    );
  });

  it.each(Object.entries(COUNTED))('%s counts its lines, and no other', (name, count) => {
    const metric = metrics.find((each) => each['name'] === name);
    expect(matching(metric?.['filter'])).toHaveLength(count);
  });

  it('measure the latency of every check that was made', () => {
    const measured = matching(METRICS.agent_once_check_latency.filter);
    const checked = entries.filter(
      (entry) => Number(fieldOf(entry, 'jsonPayload.decision.checkMilliseconds') ?? 0) > 0,
    );
    expect(measured).toEqual(checked);
    expect(measured.length).toBeGreaterThan(5);
  });

  it('extract every label from each line that they count, as short text', () => {
    expect(metrics).toHaveLength(Object.keys(METRICS).length);
    for (const metric of metrics) {
      const extractors = Object.values(
        (metric['label_extractors'] ?? {}) as Record<string, string>,
      );
      for (const entry of matching(metric['filter'])) {
        const labels = extractors.map((extractor) => extracted(entry, extractor));
        expect(labels).toEqual(labels.map(() => expect.stringMatching(/^[\w.-]+$/)));
      }
    }
  });

  it('extract a number from each line whose number they collect', () => {
    const measuring = metrics.filter((metric) => typeof metric['value_extractor'] === 'string');
    expect(measuring).toHaveLength(3);
    for (const { filter, value_extractor: extractor } of measuring) {
      const values = matching(filter).map((entry) => extracted(entry, extractor as string));
      expect(values.length).toBeGreaterThan(0);
      expect(values).toEqual(values.map(() => expect.any(Number)));
    }
  });

  it('tell what each is labelled by', () => {
    const labelled = (name: MetricName) => {
      const metric = metrics.find((each) => each['name'] === name);
      const extractors = Object.values(metric?.['label_extractors'] as Record<string, string>);
      return matching(metric?.['filter']).map((entry) =>
        extractors.map((extractor) => extracted(entry, extractor)).join(' '),
      );
    };
    expect(labelled('agent_once_in_doubt')).toEqual(['test.ship']);
    expect(labelled('agent_once_stuck_workflows')).toEqual(['test.order']);
    expect(labelled('agent_once_refused_follow_ups')).toEqual(['test.pay']);
    expect(labelled('agent_once_expired')).toEqual(['test.pay forgotten']);
    expect(labelled('agent_once_dead_letters').toSorted()).toEqual([
      'test.pay expired',
      'test.pay invalid',
      'test.pay mismatch',
    ]);
  });

  it('measure the archive lag in milliseconds, from what has expired longest', () => {
    const [entry] = matching(METRICS.agent_once_archive_lag.filter);
    const lag = Number(extracted(entry ?? {}, 'EXTRACT(jsonPayload.archived.lagMs)'));
    expect(lag).toBeGreaterThanOrEqual(60_000);
    expect(lag).toBeLessThan(120_000);
  });

  it('count no line of another service in the project', () => {
    const elsewhere = entries.map((entry) => ({
      ...entry,
      resource: { type: 'cloud_run_revision', labels: { service_name: 'shop' } },
    }));
    for (const { filter } of Object.values(METRICS)) {
      expect(elsewhere.filter(parseFilter(filter))).toEqual([]);
    }
  });

  it('never hold what is unbounded or names a customer', () => {
    for (const { labels } of Object.values(METRICS)) {
      expect(Object.values(labels).join()).not.toMatch(/token|messageId|trace|message$/);
    }
  });
});
