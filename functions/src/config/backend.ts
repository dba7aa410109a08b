import { z } from 'zod';
import { fault, read, text, topic, whole } from './settings.ts';
import type { Environment } from './settings.ts';

export interface ArchiveConfig {
  /** Its messages each have one shard archived. */
  readonly topic: string;
  /** How long one message's run takes on more; then another message goes on. */
  readonly budgetMs: number;
}

export interface CloudBackend {
  readonly kind: 'cloud';
  readonly project: string;
  readonly database: string;
  readonly taskTopic: string;
  readonly deadLetterTopic: string;
  /** Takes payloads that are too large for a record. */
  readonly blobBucket: string;
  /** Cold storage: takes the payloads of expired operations. Without it nothing is archived or read from there. */
  readonly archiveBucket?: string;
  /** Takes every version of state. Without it none is published. */
  readonly stateHistoryTopic?: string;
}

export interface EmbeddedBackend {
  readonly kind: 'embedded';
  /** Holds operations and queue; large payloads lie in a folder beside it. */
  readonly file: string;
  readonly project?: string;
}

/** What a deployment on Google Cloud, or on the emulators, is set up by. */
const CLOUD = z.object({
  GOOGLE_CLOUD_PROJECT: text(/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]$/, "the project's id"),
  AGENT_ONCE_DATABASE: text(
    /^(?:\(default\)|[a-z][a-z0-9-]{2,62})$/,
    "the Firestore database's id",
  ).default('(default)'),
  AGENT_ONCE_TASK_TOPIC: topic('the name of the topic that tasks are published to'),
  AGENT_ONCE_DEAD_LETTER_TOPIC: topic('the name of the topic that takes what can never be run'),
  AGENT_ONCE_BLOB_BUCKET: text(
    /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
    'the name of the bucket that takes payloads too large for a record',
  ),
  AGENT_ONCE_ARCHIVE_BUCKET: text(
    /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
    'the name of the bucket that archived operations are moved to',
  ).optional(),
  AGENT_ONCE_ARCHIVE_TOPIC: topic(
    'the name of the topic whose messages each have one shard archived',
  ).optional(),
  AGENT_ONCE_STATE_HISTORY_TOPIC: topic(
    'the name of the topic that every version of state is published to',
  ).optional(),
  FUNCTION_TIMEOUT_SECONDS: whole(1, 3_600, "the function's timeout, in whole seconds"),
  AGENT_ONCE_ACK_DEADLINE_SECONDS: whole(
    10,
    600,
    "the push subscription's acknowledgement deadline, in whole seconds from 10 to 600",
  ),
});

export const EMBEDDED_PREFIX = 'embedded:';

/** What a deployment on one machine is set up by. */
const EMBEDDED = z.object({
  AGENT_ONCE_STORE: z.string().transform((store) => store.slice(EMBEDDED_PREFIX.length)),
  GOOGLE_CLOUD_PROJECT: CLOUD.shape.GOOGLE_CLOUD_PROJECT.optional(),
  FUNCTION_TIMEOUT_SECONDS: CLOUD.shape.FUNCTION_TIMEOUT_SECONDS.default(540),
  AGENT_ONCE_ACK_DEADLINE_SECONDS: CLOUD.shape.AGENT_ONCE_ACK_DEADLINE_SECONDS.default(600),
});

/** The rest of a function's timeout is for the batch in hand. */
const ARCHIVE_SHARE = 0.5;

export interface ReadBackend {
  readonly backend: CloudBackend | EmbeddedBackend;
  readonly archive?: ArchiveConfig;
  readonly functionSeconds: number;
  readonly ackSeconds: number;
}

export function readBackend(given: Environment, faults: string[]): ReadBackend | undefined {
  const store = given['AGENT_ONCE_STORE'] ?? 'firestore';
  if (store.startsWith(EMBEDDED_PREFIX) && store !== EMBEDDED_PREFIX) {
    const values = read(EMBEDDED, given, faults);
    if (!values) return undefined;
    const { AGENT_ONCE_STORE: file, GOOGLE_CLOUD_PROJECT: project } = values;
    const backend = { kind: 'embedded' as const, file, ...(project !== undefined && { project }) };
    return { backend, ...secondsOf(values) };
  }
  if (store !== 'firestore') {
    faults.push(fault('AGENT_ONCE_STORE', store, 'firestore, or embedded: and the path of a file'));
  }
  const values = read(CLOUD, given, faults);
  if (!values) return undefined;
  if (values.AGENT_ONCE_TASK_TOPIC === values.AGENT_ONCE_DEAD_LETTER_TOPIC) {
    const name = 'AGENT_ONCE_DEAD_LETTER_TOPIC';
    faults.push(fault(name, values[name], 'another topic than AGENT_ONCE_TASK_TOPIC'));
  }
  const { AGENT_ONCE_ARCHIVE_BUCKET: archiveBucket, AGENT_ONCE_ARCHIVE_TOPIC: topicName } = values;
  if (archiveBucket === values.AGENT_ONCE_BLOB_BUCKET) {
    const expected = 'another bucket than AGENT_ONCE_BLOB_BUCKET: its objects age and are locked';
    faults.push(fault('AGENT_ONCE_ARCHIVE_BUCKET', archiveBucket, expected));
  }
  if (topicName !== undefined && archiveBucket === undefined) {
    const expected = 'set where AGENT_ONCE_ARCHIVE_TOPIC is: the bucket to archive to';
    faults.push(fault('AGENT_ONCE_ARCHIVE_BUCKET', undefined, expected));
  }
  const { AGENT_ONCE_STATE_HISTORY_TOPIC: stateHistoryTopic } = values;
  const budgetMs = values.FUNCTION_TIMEOUT_SECONDS * 1_000 * ARCHIVE_SHARE;
  const archive = topicName !== undefined && { archive: { topic: topicName, budgetMs } };
  const backend = {
    kind: 'cloud' as const,
    project: values.GOOGLE_CLOUD_PROJECT,
    database: values.AGENT_ONCE_DATABASE,
    taskTopic: values.AGENT_ONCE_TASK_TOPIC,
    deadLetterTopic: values.AGENT_ONCE_DEAD_LETTER_TOPIC,
    blobBucket: values.AGENT_ONCE_BLOB_BUCKET,
    ...(archiveBucket !== undefined && { archiveBucket }),
    ...(stateHistoryTopic !== undefined && { stateHistoryTopic }),
  };
  return { backend, ...archive, ...secondsOf(values) };
}

function secondsOf(values: {
  FUNCTION_TIMEOUT_SECONDS: number;
  AGENT_ONCE_ACK_DEADLINE_SECONDS: number;
}): Pick<ReadBackend, 'functionSeconds' | 'ackSeconds'> {
  return {
    functionSeconds: values.FUNCTION_TIMEOUT_SECONDS,
    ackSeconds: values.AGENT_ONCE_ACK_DEADLINE_SECONDS,
  };
}
