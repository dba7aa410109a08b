import { CloudRunV2ServiceIamMember } from '@cdktf/provider-google/lib/cloud-run-v2-service-iam-member/index.js';
import { CloudSchedulerJob } from '@cdktf/provider-google/lib/cloud-scheduler-job/index.js';
import { Cloudfunctions2Function } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js';
import type { Cloudfunctions2FunctionBuildConfig } from '@cdktf/provider-google/lib/cloudfunctions2-function/index.js';
import type { StorageBucketObject } from '@cdktf/provider-google/lib/storage-bucket-object/index.js';
import type { Environment } from '../environment.ts';
import { FUNCTION_SPECS } from '../function-specs.ts';
import { functionVariables, secretVariables } from '../function-variables.ts';
import {
  ACCOUNTS,
  accountEmail,
  CONNECTOR,
  functionId,
  functionUrl,
  REPOSITORY,
} from '../resource-names.ts';
import type { FunctionName } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';

export const RUNTIME = 'nodejs24';

/** One function, with the service account that it runs as, and those who may call it. */
export function gen2Function(
  stack: ProjectStack,
  name: FunctionName,
  source: StorageBucketObject,
): Cloudfunctions2Function {
  const { environment } = stack;
  const spec = FUNCTION_SPECS[name];
  const { memory, cpu, concurrency, minInstances, maxInstances } = spec.scaling(environment);
  const { project, region, optional } = environment;
  const deployed = new Cloudfunctions2Function(stack, `function-${name}`, {
    name: functionId(name),
    location: region,
    description: spec.does,
    buildConfig: buildOf(name, environment, source),
    serviceConfig: {
      serviceAccountEmail: accountEmail(environment, ACCOUNTS.runsAs(name)),
      timeoutSeconds: environment.functionTimeoutSeconds,
      availableMemory: memory,
      availableCpu: cpu,
      maxInstanceRequestConcurrency: concurrency,
      minInstanceCount: minInstances,
      maxInstanceCount: maxInstances,
      allTrafficOnLatestRevision: true,
      // What Pub/Sub and the scheduler of the same project call needs no way in from outside.
      ingressSettings: spec.calledBy === 'principals' ? 'ALLOW_ALL' : 'ALLOW_INTERNAL_ONLY',
      environmentVariables: functionVariables(name, environment, stack.projectNumber),
      secretEnvironmentVariables: Object.entries(secretVariables(name)).map(([key, secret]) => ({
        key,
        secret,
        projectId: project,
        version: environment.api.handleKeyVersion,
      })),
      ...(optional.redis && {
        vpcConnector: `projects/${project}/locations/${region}/connectors/${CONNECTOR}`,
        vpcConnectorEgressSettings: 'PRIVATE_RANGES_ONLY',
      }),
    },
  });
  for (const [number, member] of callersOf(name, environment).entries()) {
    new CloudRunV2ServiceIamMember(stack, `${name}-caller-${number}`, {
      name: deployed.name,
      location: region,
      role: 'roles/run.invoker',
      member,
    });
  }
  if (spec.calledBy === 'scheduler') schedule(stack, name, deployed);
  return deployed;
}

function buildOf(
  name: FunctionName,
  environment: Environment,
  source: StorageBucketObject,
): Cloudfunctions2FunctionBuildConfig {
  const { project, region } = environment;
  const builder = accountEmail(environment, ACCOUNTS.builds);
  return {
    runtime: RUNTIME,
    entryPoint: name,
    source: { storageSource: { bucket: source.bucket, object: source.name } },
    dockerRepository: `projects/${project}/locations/${region}/repositories/${REPOSITORY}`,
    serviceAccount: `projects/${project}/serviceAccounts/${builder}`,
  };
}

function callersOf(name: FunctionName, environment: Environment): readonly string[] {
  if (FUNCTION_SPECS[name].calledBy !== 'principals') {
    return [`serviceAccount:${accountEmail(environment, ACCOUNTS.calls(name))}`];
  }
  const principals = new Set(environment.api.grants.map(({ principal }) => principal));
  return [...principals].map((principal) => `serviceAccount:${principal}`);
}

function schedule(stack: ProjectStack, name: FunctionName, called: Cloudfunctions2Function): void {
  const { environment } = stack;
  const { schedules, region, functionTimeoutSeconds } = environment;
  const uri = functionUrl(name, region, stack.projectNumber);
  new CloudSchedulerJob(stack, `schedule-${name}`, {
    name: functionId(name),
    region,
    description: FUNCTION_SPECS[name].does,
    schedule: name === 'sweep' ? schedules.sweep : schedules.archive,
    timeZone: 'Etc/UTC',
    attemptDeadline: `${functionTimeoutSeconds}s`,
    // The next run comes soon enough, and finds what this one left.
    retryConfig: { retryCount: 0 },
    httpTarget: {
      uri,
      httpMethod: 'POST',
      oidcToken: {
        serviceAccountEmail: accountEmail(environment, ACCOUNTS.calls(name)),
        audience: uri,
      },
    },
    dependsOn: [called],
  });
}
