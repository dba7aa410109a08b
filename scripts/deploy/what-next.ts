import type { Environment } from '../../infra/environment.ts';
import { bucketName, TOPICS } from '../../infra/resource-names.ts';

/** What `agent-once` finds the deployment by. */
export function smokeEnvironment(environment: Environment): Record<string, string> {
  return {
    AGENT_ONCE_STORE: 'firestore',
    GOOGLE_CLOUD_PROJECT: environment.project,
    AGENT_ONCE_DATABASE: environment.database,
    AGENT_ONCE_NAMESPACE: environment.namespace,
    AGENT_ONCE_SHARDS: String(environment.shards),
    AGENT_ONCE_TASK_TOPIC: TOPICS.tasks,
    AGENT_ONCE_DEAD_LETTER_TOPIC: TOPICS.deadLetters,
    AGENT_ONCE_BLOB_BUCKET: bucketName(environment, 'blobs'),
    AGENT_ONCE_ARCHIVE_BUCKET: bucketName(environment, 'archive'),
  };
}

/** Where everything is, and what to try. */
export function whatNext(environment: Environment, urls: Readonly<Record<string, string>>): string {
  const { project, smokeTask } = environment;
  const shell = Object.entries(smokeEnvironment(environment))
    .map(([name, value]) => `export ${name}=${value}`)
    .join('\n  ');
  const called = Object.entries(urls)
    .filter(([name]) => name.startsWith('url-'))
    .map(([name, url]) => `  ${name.slice('url-'.length).padEnd(14)}${url}`);
  return `
Deployed to ${project}.

${called.join('\n')}
  ${'dashboard'.padEnd(14)}https://console.cloud.google.com/monitoring/dashboards?project=${project}
  ${'logs'.padEnd(14)}https://console.cloud.google.com/logs/query?project=${project}

Point the command line to it:

  ${shell}

Then publish something, and look at it:

  npx agent-once publish ${smokeTask.action} --key first --wait '${JSON.stringify(smokeTask.params)}'
  npx agent-once in-doubt
`;
}
