import type { Environment } from './environment.ts';
import { ACCOUNTS, accountEmail, bucketName, functionUrl, TOPICS } from './resource-names.ts';
import type { FunctionName, Secret } from './resource-names.ts';
import { PUBLISH_STATE } from './function-specs.ts';

/** Everything that `functions/src/config.ts` reads, for one function, but for secrets. */
export function functionVariables(
  name: FunctionName,
  environment: Environment,
  projectNumber: string,
): Record<string, string> {
  const { project, region, httpRequest, api, optional } = environment;
  const url = functionUrl(name, region, projectNumber);
  return {
    ...environment.variables,
    GOOGLE_CLOUD_PROJECT: project,
    FUNCTION_TIMEOUT_SECONDS: String(environment.functionTimeoutSeconds),
    AGENT_ONCE_NAMESPACE: environment.namespace,
    AGENT_ONCE_SHARDS: String(environment.shards),
    AGENT_ONCE_DATABASE: environment.database,
    AGENT_ONCE_TASK_TOPIC: TOPICS.tasks,
    AGENT_ONCE_DEAD_LETTER_TOPIC: TOPICS.deadLetters,
    AGENT_ONCE_BLOB_BUCKET: bucketName(environment, 'blobs'),
    AGENT_ONCE_ARCHIVE_BUCKET: bucketName(environment, 'archive'),
    AGENT_ONCE_ACK_DEADLINE_SECONDS: String(environment.ackDeadlineSeconds),
    // Nothing pushes to `api`: no account of this name exists for it.
    AGENT_ONCE_PUSH_AUDIENCE: url,
    AGENT_ONCE_PUSH_SERVICE_ACCOUNT: accountEmail(environment, ACCOUNTS.calls(name)),
    // Nobody may invoke a function but whom IAM lets: see `policy/access.ts`.
    AGENT_ONCE_IAM_CHECKS_CALLERS: 'true',
    ...(httpRequest && {
      AGENT_ONCE_HTTP_ORIGINS: httpRequest.origins.join(','),
      AGENT_ONCE_HTTP_EFFECT: httpRequest.effect,
    }),
    // To `run-task` for its steps: what they write is to be published too.
    ...(optional.stateHistory &&
      [...PUBLISH_STATE, 'run-task'].includes(name) && {
        AGENT_ONCE_STATE_HISTORY_TOPIC: TOPICS.stateHistory,
      }),
    ...((name === 'archive-tick' || name === 'archive-shard') && {
      AGENT_ONCE_ARCHIVE_TOPIC: TOPICS.archiveShards,
    }),
    ...(name === 'api' && {
      AGENT_ONCE_API_AUDIENCE: url,
      AGENT_ONCE_API_PRINCIPALS: JSON.stringify(api.grants),
      AGENT_ONCE_API_RATE: String(api.ratePerSecond),
    }),
  };
}

/** Variables whose values are secrets, by the secret that holds them. */
export function secretVariables(name: FunctionName): Readonly<Record<string, Secret>> {
  return name === 'api' ? { AGENT_ONCE_API_HANDLE_KEY: 'agent-once-api-handle-key' } : {};
}
