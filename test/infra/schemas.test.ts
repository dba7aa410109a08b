import type { PubSub } from '@google-cloud/pubsub';
import { expect, it } from 'vitest';
import { pubsubArchiveQueue } from '../../functions/src/adapters/pubsub/archive-queue.ts';
import { at, ofType } from '../../infra/policy/synthesised.ts';
import { resourcesOf } from './support/synthesised-environment.ts';

const resources = resourcesOf('prod');
const PROTO_TYPES: Readonly<Record<string, string>> = {
  string: 'string',
  int32: 'number',
  int64: 'number',
};

/** Field → what JavaScript calls its type, of the one message that a proto3 definition has. */
function fieldsOf(definition: string): Record<string, string> {
  const fields = definition.matchAll(/^ {2}(\w+) (\w+) = \d+;$/gm);
  return Object.fromEntries(
    [...fields].map(([, type = '', name = '']) => [name, PROTO_TYPES[type] ?? type]),
  );
}

it('what the archiver publishes has the fields of its topic’s schema, and whole numbers', async () => {
  const [schema] = ofType(resources, 'google_pubsub_schema').filter(
    ({ attributes }) => attributes['type'] === 'PROTOCOL_BUFFER',
  );
  const fields = fieldsOf(String(schema?.attributes['definition']));
  const published: Record<string, unknown>[] = [];
  const topic = () => ({
    publishMessage: async ({ json }: { json: Record<string, unknown> }) =>
      void published.push(json),
  });
  const queue = pubsubArchiveQueue({ topic } as unknown as PubSub, 'orders');
  await queue.publish([
    { shard: 0, until: 1_700_000_000_000 },
    { shard: 1, until: 1_700_000_000_000, after: '[1,"x"]' },
  ]);
  expect(published).toHaveLength(2);
  for (const order of published) {
    expect(Object.entries(order).map(([name, value]) => [name, typeof value])).toEqual(
      Object.keys(order).map((name) => [name, fields[name]]),
    );
    for (const value of Object.values(order)) {
      expect(typeof value === 'string' || Number.isSafeInteger(value)).toBe(true);
    }
  }
  expect(Object.keys(published[1] ?? {}).toSorted()).toEqual(Object.keys(fields).toSorted());
});

it('a topic with a schema is given the very one of its name', () => {
  const topics = ofType(resources, 'google_pubsub_topic').filter(
    ({ attributes }) => attributes['schema_settings'] !== undefined,
  );
  expect(topics.map(({ attributes }) => String(attributes['name'])).toSorted()).toEqual([
    'agent-once-archive-shards',
    'agent-once-state-history',
  ]);
  for (const { attributes } of topics) {
    expect(at(attributes, 'schema_settings', 'encoding')).toBe('JSON');
    expect(at(attributes, 'schema_settings', 'schema')).toMatch(
      /^\$\{google_pubsub_schema\.[\w-]+\.id\}$/,
    );
  }
});
