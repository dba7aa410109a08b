/**
 * A version of state as it is published to the topic of the state history, and stored from there:
 * functions/src/adapters/pubsub/version-publisher.ts.
 */
const FIELDS = [
  { name: 'namespace', avro: 'string', sql: 'STRING' },
  { name: 'entity', avro: 'string', sql: 'STRING' },
  { name: 'version', avro: 'long', sql: 'INTEGER' },
  { name: 'schema_version', avro: 'long', sql: 'INTEGER' },
  { name: 'token', avro: 'string', sql: 'STRING' },
  { name: 'state', avro: 'string', sql: 'STRING' },
  { name: 'at', avro: { type: 'long', logicalType: 'timestamp-micros' }, sql: 'TIMESTAMP' },
] as const;

/** Written by Pub/Sub itself, for every delivery. */
const METADATA = [
  { name: 'subscription_name', type: 'STRING' },
  { name: 'message_id', type: 'STRING' },
  { name: 'publish_time', type: 'TIMESTAMP' },
  { name: 'attributes', type: 'STRING' },
];

export const STATE_FIELDS = [
  ...FIELDS.map(({ name, sql }) => ({ name, type: sql, mode: 'REQUIRED' })),
  ...METADATA.map((column) => ({ ...column, mode: 'NULLABLE' })),
];

/** Avro, as Pub/Sub checks it when something is published. */
export function stateSchema(): object {
  return {
    type: 'record',
    name: 'StateVersion',
    fields: FIELDS.map(({ name, avro }) => ({ name, type: avro })),
  };
}

/** One row a version, though Pub/Sub delivers to BigQuery at least once, with the time until which it held. */
export const stateChanges = (versions: string): string =>
  `SELECT namespace, entity, version, schema_version, token, state, at,
  LEAD(at) OVER (PARTITION BY namespace, entity ORDER BY version) AS until
FROM (
  SELECT *,
    ROW_NUMBER() OVER (PARTITION BY namespace, entity, version ORDER BY publish_time) AS delivery
  FROM \`${versions}\`
) AS delivered
WHERE delivery = 1`;

/** What holds now. */
export const stateNow = (changes: string): string =>
  `SELECT * FROM \`${changes}\` WHERE until IS NULL`;

/** What held at a moment. */
export const stateAsOf = (changes: string, moment: string): string =>
  `SELECT * FROM \`${changes}\` WHERE at <= ${moment} AND (until IS NULL OR until > ${moment})`;
