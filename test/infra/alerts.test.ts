import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { alertsOf } from '../../infra/monitoring/alerts.ts';
import { METRICS } from '../../infra/monitoring/metrics.ts';
import { at, ofType } from '../../infra/policy/synthesised.ts';
import { ENVIRONMENTS, environmentOf, resourcesOf } from './support/synthesised-environment.ts';

const resources = resourcesOf('prod');

describe('alerts and dashboard', () => {
  const NAMES = new Set(Object.keys(METRICS));
  const used = (text: string) =>
    [
      ...text.matchAll(
        /(?:user_|logging\.googleapis\.com\/user\/)(agent_once_[a-z_]+?)(?:_bucket)?(?=[{"\\])/g,
      ),
    ].map(([, name]) => name ?? '');

  it.each(Object.keys(ENVIRONMENTS))('of %s ask only for metrics that exist', (name) => {
    const shown = resourcesOf(name)
      .filter(({ type }) => type.startsWith('google_monitoring_'))
      .map(({ attributes }) => JSON.stringify(attributes))
      .join();
    expect(new Set(used(shown)).difference(NAMES)).toEqual(new Set());
  });

  it('the dashboard shows every metric', () => {
    const [dashboard] = ofType(resources, 'google_monitoring_dashboard');
    const shown = new Set(used(String(dashboard?.attributes['dashboard_json'])));
    expect(NAMES.difference(shown)).toEqual(new Set());
  });

  it('the dashboard fits its grid, without two tiles in one place', () => {
    const [dashboard] = ofType(resources, 'google_monitoring_dashboard');
    const { mosaicLayout } = JSON.parse(String(dashboard?.attributes['dashboard_json'])) as {
      mosaicLayout: { columns: number; tiles: { xPos: number; yPos: number; width: number }[] };
    };
    const places = mosaicLayout.tiles.map(({ xPos, yPos }) => `${xPos} ${yPos}`);
    expect(new Set(places).size).toBe(places.length);
    for (const { xPos, width } of mosaicLayout.tiles) {
      expect(xPos + width).toBeLessThanOrEqual(mosaicLayout.columns);
    }
  });

  it('go off at the thresholds that the environment sets', () => {
    const alerts = {
      ...environmentOf('prod').alerts,
      duplicatesPercent: 7,
      checkP99Ms: 55,
      archiveLagMinutes: 9,
    };
    const text = JSON.stringify(alertsOf({ alerts }));
    expect(text).toContain('> 7 and');
    expect(text).toContain('> 55');
    expect(text).toContain('> 540000');
  });

  it('by default, at 5 % duplicates, 100 ms at p99, and anything in doubt or dead-lettered', () => {
    const { alerts } = environmentOf('dev');
    const all = alertsOf({ alerts });
    expect(JSON.stringify(all['many-duplicates'])).toContain('> 5 and');
    expect(JSON.stringify(all['slow-checks'])).toContain('> 100"');
    for (const section of ['in-doubt', 'dead-letters']) {
      expect(all[section]?.conditions.every(({ kind }) => kind === 'any')).toBe(true);
    }
  });

  it('tell whom the environment names', () => {
    const channels = ofType(resources, 'google_monitoring_notification_channel');
    expect(channels.map(({ attributes }) => at(attributes, 'labels', 'email_address'))).toEqual([
      'on-call@example.com',
    ]);
    for (const { attributes } of ofType(resources, 'google_monitoring_alert_policy')) {
      expect(attributes['notification_channels']).toEqual([
        '${google_monitoring_notification_channel.channel-0.id}',
      ]);
    }
  });

  it('each link to their own section of the runbook', () => {
    const runbook = readFileSync(new URL('../../docs/runbook.md', import.meta.url), 'utf8');
    const sections = new Set(
      [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const policies = ofType(resources, 'google_monitoring_alert_policy');
    const links = policies.map(({ attributes }) =>
      String(at(attributes, 'documentation', 'content')),
    );
    const named = links.map(
      (content) => /docs\/runbook\.md#([\w-]+)$/.exec(content)?.[1] ?? content,
    );
    expect(named).toHaveLength(Object.keys(alertsOf(environmentOf('prod'))).length);
    expect(new Set(named).difference(sections)).toEqual(new Set());
  });
});
