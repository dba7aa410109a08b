import { keptSubscription } from '../functions/src/names.ts';
import type { Environment } from './environment.ts';

/** The functions of `functions/src/main.ts`, by their entry points. */
export const FUNCTION_NAMES = [
  'run-task',
  'sweep',
  'api',
  'archive-tick',
  'archive-shard',
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];

/** Topics of tasks and of work, each with a topic that takes what can't be delivered. */
export const ROUTES = {
  tasks: 'run-task',
  archiveShards: 'archive-shard',
} as const satisfies Record<string, FunctionName>;
export type Route = keyof typeof ROUTES;

export const TOPICS = {
  tasks: 'agent-once-tasks',
  deadLetters: 'agent-once-dead-letters',
  archiveShards: 'agent-once-archive-shards',
  archiveDeadLetters: 'agent-once-archive-dead-letters',
  stateHistory: 'agent-once-state-history',
} as const;
export type Topic = keyof typeof TOPICS;

export const DEAD_LETTERS: Readonly<Record<Route, Topic>> = {
  tasks: 'deadLetters',
  archiveShards: 'archiveDeadLetters',
};

export const BUCKETS = ['archive', 'blobs', 'source'] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Names are made from the environment alone, so that no stack has to read another one's state. */
export const bucketName = ({ project }: Pick<Environment, 'project'>, bucket: Bucket): string =>
  `${project}-agent-once-${bucket}`;

export const stateBucketName = (project: string): string => `${project}-agent-once-state`;

export const subscriptionName = (topic: Topic): string =>
  topic === 'tasks' || topic === 'archiveShards'
    ? `${TOPICS[topic]}-push`
    : keptSubscription(TOPICS[topic]);

/** Also the name of the Cloud Run service that serves it. */
export const functionId = (name: FunctionName): string => `agent-once-${name}`;

/** Cloud Run's URL that can be told before the service exists: it needs the project's number. */
export const functionUrl = (name: FunctionName, region: string, projectNumber: string): string =>
  `https://${functionId(name)}-${projectNumber}.${region}.run.app`;

/** As whom a function runs, as whom it is called, as whom it is built. */
export const ACCOUNTS = {
  runsAs: (name: FunctionName): string => `agent-once-${name}`,
  calls: (name: FunctionName): string => `agent-once-call-${name}`,
  builds: 'agent-once-build',
} as const;

export const accountEmail = ({ project }: Pick<Environment, 'project'>, id: string): string =>
  `${id}@${project}.iam.gserviceaccount.com`;

/** Made by Terraform without a value: whoever deploys adds one that no state file holds. */
export const SECRETS = ['agent-once-api-handle-key'] as const;
export type Secret = (typeof SECRETS)[number];

export const REPOSITORY = 'agent-once';
export const STORE_ROLE = 'agentOnceStore';
export const ERASER_ROLE = 'agentOnceEraser';
export const CONNECTOR = 'agent-once';
