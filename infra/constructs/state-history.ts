import { BigqueryDataset } from '@cdktf/provider-google/lib/bigquery-dataset/index.js';
import { BigqueryRoutine } from '@cdktf/provider-google/lib/bigquery-routine/index.js';
import { BigqueryTableIamMember } from '@cdktf/provider-google/lib/bigquery-table-iam-member/index.js';
import { BigqueryTable } from '@cdktf/provider-google/lib/bigquery-table/index.js';
import { PubsubSchema } from '@cdktf/provider-google/lib/pubsub-schema/index.js';
import { PubsubSubscription } from '@cdktf/provider-google/lib/pubsub-subscription/index.js';
import { PubsubTopicIamMember } from '@cdktf/provider-google/lib/pubsub-topic-iam-member/index.js';
import { PubsubTopic } from '@cdktf/provider-google/lib/pubsub-topic/index.js';
import type { Environment } from '../environment.ts';
import { PUBLISH_STATE } from '../function-specs.ts';
import {
  STATE_FIELDS,
  stateAsOf,
  stateChanges,
  stateNow,
  stateSchema,
} from '../state-history-sql.ts';
import { ACCOUNTS, accountEmail, subscriptionName, TOPICS } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';

const DAY_SECONDS = 86_400;
const DATASET = 'agent_once_state';
const TABLE = 'versions';

/** Every version of state that is published, in BigQuery, and the views that ask what held at a time. */
export function stateHistory(
  stack: ProjectStack,
  { location }: NonNullable<Environment['optional']['stateHistory']>,
): void {
  const { project, retention, protectData } = stack.environment;
  const dataset = new BigqueryDataset(stack, 'state-dataset', {
    datasetId: DATASET,
    location,
    description: 'Versions of state, one row for each delivery of each version.',
    deleteContentsOnDestroy: !protectData,
  });
  const table = new BigqueryTable(stack, 'state-versions', {
    datasetId: dataset.datasetId,
    tableId: TABLE,
    deletionProtection: protectData,
    timePartitioning: { type: 'DAY', field: 'at' },
    clustering: ['namespace', 'entity'],
    schema: JSON.stringify(STATE_FIELDS),
  });
  history(stack, dataset.datasetId, table);
  const schema = new PubsubSchema(stack, 'state-schema', {
    name: TOPICS.stateHistory,
    type: 'AVRO',
    definition: JSON.stringify(stateSchema()),
  });
  const topic = new PubsubTopic(stack, 'topic-stateHistory', {
    name: TOPICS.stateHistory,
    messageRetentionDuration: `${retention.messageDays * DAY_SECONDS}s`,
    schemaSettings: { schema: schema.id, encoding: 'JSON' },
  });
  for (const name of PUBLISH_STATE) {
    new PubsubTopicIamMember(stack, `${name}-publishes-stateHistory`, {
      topic: topic.name,
      role: 'roles/pubsub.publisher',
      member: `serviceAccount:${accountEmail(stack.environment, ACCOUNTS.runsAs(name))}`,
    });
  }
  const grant = new BigqueryTableIamMember(stack, 'state-agent-writes', {
    datasetId: dataset.datasetId,
    tableId: table.tableId,
    role: 'roles/bigquery.dataEditor',
    member: stack.serviceAgent('gcp-sa-pubsub'),
  });
  new PubsubSubscription(stack, 'state-subscription', {
    name: subscriptionName('stateHistory'),
    topic: topic.id,
    messageRetentionDuration: `${retention.messageDays * DAY_SECONDS}s`,
    expirationPolicy: { ttl: '' },
    bigqueryConfig: {
      table: `${project}.${DATASET}.${TABLE}`,
      useTopicSchema: true,
      writeMetadata: true,
    },
    dependsOn: [grant],
  });
}

/** Views of the versions, and the function `as_of(moment)`. */
function history(stack: ProjectStack, datasetId: string, table: BigqueryTable): void {
  const { project } = stack.environment;
  const changesName = `${project}.${DATASET}.changes`;
  const view = (tableId: string, query: string, dependsOn: BigqueryTable[]): BigqueryTable =>
    new BigqueryTable(stack, `state-${tableId}`, {
      datasetId,
      tableId,
      deletionProtection: false,
      view: { query, useLegacySql: false },
      dependsOn,
    });
  const changes = view('changes', stateChanges(`${project}.${DATASET}.${TABLE}`), [table]);
  view('now', stateNow(changesName), [changes]);
  new BigqueryRoutine(stack, 'state-as-of', {
    datasetId,
    routineId: 'as_of',
    routineType: 'TABLE_VALUED_FUNCTION',
    language: 'SQL',
    description: "What held at a moment: SELECT * FROM agent_once_state.as_of(TIMESTAMP '…').",
    arguments: [{ name: 'moment', dataType: JSON.stringify({ typeKind: 'TIMESTAMP' }) }],
    definitionBody: stateAsOf(changesName, 'moment'),
    dependsOn: [changes],
  });
}
