import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { PubSub, SchemaTypes } from '@google-cloud/pubsub';
import { describe, expect, inject, it } from 'vitest';
import { pubsubVersions } from '../../functions/src/adapters/pubsub/version-publisher.ts';
import type { EntityVersion } from '../../functions/src/ports/published-state.ts';
import { keyToken, parseNamespace } from '../../functions/src/token/token.ts';
import { entityId } from '../../functions/src/workflow/state.ts';
import {
  STATE_FIELDS,
  stateAsOf,
  stateChanges,
  stateNow,
  stateSchema,
} from '../../infra/state-history-sql.ts';
import { ofType } from '../../infra/policy/synthesised.ts';
import { resourcesOf } from './support/synthesised-environment.ts';

const resources = resourcesOf('prod');

/** The queries, on a table of versions: in the part of SQL that BigQuery and SQLite have in common. */
function asked(rows: readonly (readonly [entity: string, version: number, at: number])[]) {
  const database = new DatabaseSync(':memory:');
  const columns = STATE_FIELDS.map(({ name }) => name).join(', ');
  database.exec(`CREATE TABLE versions (${columns})`);
  const insert = database.prepare(
    `INSERT INTO versions (namespace, entity, version, token, state, at, message_id, publish_time)
     VALUES ('shop', ?, ?, ?, ?, ?, ?, ?)`,
  );
  for (const [number, [entity, version, at]] of rows.entries()) {
    insert.run(entity, version, `t${version}`, `v${version}`, at, `m${number}`, number);
  }
  database.exec(`CREATE VIEW changes AS ${stateChanges('versions')}`);
  const held = (query: string) =>
    database
      .prepare(`SELECT entity, state FROM (${query}) ORDER BY entity`)
      .all()
      .map(({ entity, state }) => `${String(entity)} ${String(state)}`);
  return {
    now: held(stateNow('changes')),
    at: (time: number) => held(stateAsOf('changes', String(time))),
  };
}

describe('the history of state', () => {
  const history = asked([
    ['order/1', 1, 100],
    ['order/1', 2, 200],
    ['order/2', 1, 150],
    ['order/1', 2, 200], // delivered again
    ['order/1', 3, 300],
    ['order/1', 1, 100], // and again, late
  ]);

  it('tells what holds now, once for each entity, however often it was delivered', () => {
    expect(history.now).toEqual(['order/1 v3', 'order/2 v1']);
  });

  it.each([
    [99, []],
    [100, ['order/1 v1']],
    [150, ['order/1 v1', 'order/2 v1']],
    [200, ['order/1 v2', 'order/2 v1']],
    [299, ['order/1 v2', 'order/2 v1']],
    [300, ['order/1 v3', 'order/2 v1']],
  ])('tells what held at %i', (time, expected) => {
    expect(history.at(time)).toEqual(expected);
  });

  it('has a column for each field of the published schema, and for what Pub/Sub adds', () => {
    const { fields } = stateSchema() as { fields: { name: string }[] };
    const columns = STATE_FIELDS.map(({ name }) => name);
    const added = ['subscription_name', 'message_id', 'publish_time', 'attributes'];
    expect(columns).toEqual([...fields.map(({ name }) => name), ...added]);
  });

  it('is written by Pub/Sub, which may write to that table and nowhere else', () => {
    const grants = ofType(resources, 'google_bigquery_table_iam_member');
    expect(grants.map(({ attributes }) => attributes)).toEqual([
      expect.objectContaining({
        table_id: '${google_bigquery_table.state-versions.table_id}',
        role: 'roles/bigquery.dataEditor',
        member: expect.stringContaining('gcp-sa-pubsub'),
      }),
    ]);
  });
});

const SHOP = parseNamespace('shop')!;

function versionOf(version: number, at: number): EntityVersion {
  return {
    namespace: SHOP,
    entity: entityId('order', 'é/1'),
    version,
    schemaVersion: 2,
    token: keyToken(SHOP, `v${version}`),
    text: `{"n":${version},"note":"a \\"quote\\", \\ud83d\\ude00"}`,
    at,
  };
}

describe('a version that the functions publish', () => {
  const open = async () => {
    const projectId = `demo-${randomUUID().slice(0, 8)}`;
    const pubsub = new PubSub({
      projectId,
      apiEndpoint: inject('pubsubHost'),
      emulatorMode: true,
    });
    const definition = JSON.stringify(stateSchema());
    const schema = await pubsub.createSchema('versions', SchemaTypes.Avro, definition);
    const [topic] = await pubsub.createTopic({
      name: 'versions',
      schemaSettings: { schema: await schema.getName(), encoding: 'JSON' },
    });
    return { pubsub, topic };
  };

  it('is taken by a topic with the schema, which refuses anything else', async () => {
    const { pubsub, topic } = await open();
    const [subscription] = await topic.createSubscription('kept');
    const message = new Promise<Buffer>((resolve) => {
      subscription.on('message', (each) => {
        each.ack();
        resolve(each.data);
      });
    });
    const made = versionOf(1, 1_700_000_000_123.456);
    await pubsubVersions(pubsub, 'versions').publish([made]);
    expect(JSON.parse((await message).toString())).toEqual({
      namespace: 'shop',
      entity: 'order/é/1',
      version: 1,
      schema_version: 2,
      token: made.token,
      state: made.text,
      at: 1_700_000_000_123_456,
    });
    const without = { ...made, namespace: undefined } as unknown as EntityVersion;
    await expect(pubsubVersions(pubsub, 'versions').publish([without])).rejects.toThrow(
      'INVALID_ARGUMENT',
    );
    await subscription.close();
    await pubsub.close();
  });
});
