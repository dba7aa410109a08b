import { at, ofType } from '../../../infra/policy/synthesised.ts';
import type { Resource } from '../../../infra/policy/synthesised.ts';

/** One thing done wrong, and the policy that has to notice it. */
export interface Broken {
  readonly policy: string;
  readonly how: string;
  readonly expected: string;
  /** Changes a copy of what prod is synthesised to. */
  readonly break: (resources: Resource[]) => void;
}

const set = (resource: Resource | undefined, path: string, value: unknown): void => {
  const steps = path.split('.');
  const last = steps.pop() ?? '';
  const inside = at(resource?.attributes, ...steps) ?? resource?.attributes;
  if (typeof inside !== 'object' || inside === null) throw new Error(`There is no ${path}.`);
  if (value === undefined) delete (inside as Record<string, unknown>)[last];
  else (inside as Record<string, unknown>)[last] = value;
};
export const find = (resources: readonly Resource[], type: string, key: string): Resource => {
  const found = ofType(resources, `google_${type}`).find((resource) => resource.key === key);
  if (!found) throw new Error(`There is no ${type}.${key}.`);
  return found;
};
const add = (resources: Resource[], type: string, attributes: Record<string, unknown>): void => {
  resources.push({ type: `google_${type}`, stack: 'data', key: 'added', attributes });
};
const remove = (resources: Resource[], gone: Resource): void => {
  resources.splice(resources.indexOf(gone), 1);
};

export const BROKEN: readonly Broken[] = [
  {
    policy: 'noPublicPrincipal',
    how: 'a function anyone may call',
    expected: 'cloud_run_v2_service_iam_member.added is open to everyone',
    break: (all) => add(all, 'cloud_run_v2_service_iam_member', { member: 'allUsers' }),
  },
  {
    policy: 'noPublicPrincipal',
    how: 'a binding with a public member among others',
    expected: 'is open to everyone',
    break: (all) =>
      add(all, 'storage_bucket_iam_binding', { members: ['user:a@b.c', 'allAuthenticatedUsers'] }),
  },
  {
    policy: 'noPrimitiveRole',
    how: 'an editor of the project',
    expected: 'gives a primitive role',
    break: (all) => add(all, 'project_iam_member', { role: 'roles/editor', member: 'user:a@b.c' }),
  },
  {
    policy: 'grantsAddOnly',
    how: 'a policy that takes away what others granted',
    expected: 'overwrites grants of others',
    break: (all) => add(all, 'pubsub_topic_iam_policy', { topic: 'x' }),
  },
  {
    policy: 'noNeedlessProjectRole',
    how: 'publishing to every topic of the project',
    expected: 'gives roles/pubsub.publisher on the whole project',
    break: (all) => add(all, 'project_iam_member', { role: 'roles/pubsub.publisher' }),
  },
  {
    policy: 'noNeedlessProjectRole',
    how: 'access to every database of the project',
    expected: 'store-run-task gives',
    break: (all) => set(find(all, 'project_iam_member', 'store-run-task'), 'condition', undefined),
  },
  {
    policy: 'noNeedlessProjectRole',
    how: 'a condition that is always true',
    expected: 'without a condition that narrows it',
    break: (all) =>
      set(
        find(all, 'project_iam_member', 'build-reads-copied-source'),
        'condition.expression',
        'true',
      ),
  },
  {
    policy: 'storeRoleDeletesNothing',
    how: 'functions that may delete tokens',
    expected: 'includes datastore.entities.delete',
    break: (all) =>
      (
        find(all, 'project_iam_custom_role', 'store-role').attributes['permissions'] as string[]
      ).push('datastore.entities.delete'),
  },
  {
    policy: 'storeRoleDeletesNothing',
    how: 'an eraser that may read as well',
    expected: 'is for more than deleting objects',
    break: (all) =>
      (
        find(all, 'project_iam_custom_role', 'eraser-role').attributes['permissions'] as string[]
      ).push('storage.objects.get'),
  },
  {
    policy: 'erasesBlobsOnly',
    how: 'a function that may delete archived objects',
    expected: 'lets a function delete what is not a blob',
    break: (all) =>
      set(
        find(all, 'storage_bucket_iam_member', 'blobs-api-erases'),
        'bucket',
        find(all, 'storage_bucket_iam_member', 'archive-api-objectViewer').attributes['bucket'],
      ),
  },
  {
    policy: 'oneAccountEach',
    how: 'two functions that run as one account',
    expected: 'shares agent-once-run-task@',
    break: (all) =>
      set(
        find(all, 'cloudfunctions2_function', 'function-sweep'),
        'service_config.service_account_email',
        at(
          find(all, 'cloudfunctions2_function', 'function-run-task').attributes,
          'service_config',
          'service_account_email',
        ),
      ),
  },
  {
    policy: 'oneAccountEach',
    how: "the project's default account",
    expected: 'which is not declared',
    break: (all) =>
      set(
        find(all, 'cloudfunctions2_function', 'function-api'),
        'service_config.service_account_email',
        '123-compute@developer.gserviceaccount.com',
      ),
  },
  {
    policy: 'callersAreVerified',
    how: 'a push without a token',
    expected: 'push-tasks has no OIDC token',
    break: (all) =>
      set(find(all, 'pubsub_subscription', 'push-tasks'), 'push_config.oidc_token', undefined),
  },
  {
    policy: 'callersAreVerified',
    how: "a token for another function's audience",
    expected: 'schedule-sweep has no OIDC token for',
    break: (all) =>
      set(
        find(all, 'cloud_scheduler_job', 'schedule-sweep'),
        'http_target.oidc_token.audience',
        'https://elsewhere.example.com',
      ),
  },
  {
    policy: 'callersAreVerified',
    how: 'a function that expects somebody else',
    expected: 'expects another caller',
    break: (all) =>
      set(
        find(all, 'cloudfunctions2_function', 'function-run-task'),
        'service_config.environment_variables.AGENT_ONCE_PUSH_SERVICE_ACCOUNT',
        'somebody@else.example.com',
      ),
  },
  {
    policy: 'callersAreVerified',
    how: 'a caller that may call nothing',
    expected: 'must be given run.invoker on function-run-task, and nothing else',
    break: (all) => remove(all, find(all, 'cloud_run_v2_service_iam_member', 'run-task-caller-0')),
  },
  {
    policy: 'callersAreVerified',
    how: 'a caller that may also do something else',
    expected: 'and nothing else',
    break: (all) =>
      add(all, 'storage_bucket_iam_member', {
        member: find(all, 'cloud_run_v2_service_iam_member', 'sweep-caller-0').attributes['member'],
        role: 'roles/storage.objectViewer',
      }),
  },
  {
    policy: 'bucketsAreLocked',
    how: 'a bucket with access by object',
    expected: 'bucket-blobs has no uniform access',
    break: (all) =>
      set(find(all, 'storage_bucket', 'bucket-blobs'), 'uniform_bucket_level_access', false),
  },
  {
    policy: 'bucketsAreLocked',
    how: 'a bucket that could be made public',
    expected: 'bucket-archive could be made public',
    break: (all) =>
      set(find(all, 'storage_bucket', 'bucket-archive'), 'public_access_prevention', 'inherited'),
  },
  {
    policy: 'bucketsAreLocked',
    how: 'a bucket whose deletions are final',
    expected: 'bucket-blobs forgets at once',
    break: (all) =>
      set(find(all, 'storage_bucket', 'bucket-blobs'), 'soft_delete_policy', undefined),
  },
  {
    policy: 'taskTopicsHaveDeadLetters',
    how: 'a task topic without dead letters',
    expected: 'push-tasks has no dead-letter topic',
    break: (all) =>
      set(find(all, 'pubsub_subscription', 'push-tasks'), 'dead_letter_policy', undefined),
  },
  {
    policy: 'taskTopicsHaveDeadLetters',
    how: 'giving up after five attempts',
    expected: 'gives up before 100 attempts',
    break: (all) =>
      set(
        find(all, 'pubsub_subscription', 'push-tasks'),
        'dead_letter_policy.max_delivery_attempts',
        5,
      ),
  },
  {
    policy: 'taskTopicsHaveDeadLetters',
    how: 'a dead-letter topic that Pub/Sub may not publish to',
    expected: 'that Pub/Sub may not publish to',
    break: (all) => remove(all, find(all, 'pubsub_topic_iam_member', 'tasks-agent-dead-letters')),
  },
  {
    policy: 'taskTopicsHaveDeadLetters',
    how: 'a subscription that Pub/Sub may not take from',
    expected: 'can have nothing taken from it',
    break: (all) =>
      remove(all, find(all, 'pubsub_subscription_iam_member', 'tasks-agent-forwards')),
  },
  {
    policy: 'taskTopicsHaveDeadLetters',
    how: 'dead letters that nothing keeps',
    expected: 'that nothing keeps',
    break: (all) => remove(all, find(all, 'pubsub_subscription', 'kept-deadLetters')),
  },
  {
    policy: 'aDayIsOutlived',
    how: 'tasks that are forgotten after an hour',
    expected: 'push-tasks keeps messages for less than a day',
    break: (all) =>
      set(find(all, 'pubsub_subscription', 'push-tasks'), 'message_retention_duration', '3600s'),
  },
  {
    policy: 'aDayIsOutlived',
    how: 'a subscription that expires',
    expected: 'push-tasks expires when it is not used',
    break: (all) =>
      set(find(all, 'pubsub_subscription', 'push-tasks'), 'expiration_policy.ttl', '86400s'),
  },
  {
    policy: 'referencesResolve',
    how: 'a reference to what its stack lacks',
    expected: 'refers to google_pubsub_topic.gone, which its stack lacks',
    break: (all) =>
      set(
        find(all, 'pubsub_subscription', 'push-tasks'),
        'topic',
        '${google_pubsub_topic.gone.id}',
      ),
  },
  {
    policy: 'timesFit',
    how: 'a function that ends before its steps',
    expected: 'function-run-task ends before',
    break: (all) =>
      set(
        find(all, 'cloudfunctions2_function', 'function-run-task'),
        'service_config.timeout_seconds',
        5,
      ),
  },
  {
    policy: 'timesFit',
    how: 'a deadline that a function outlives',
    expected: 'delivers again while a function still runs',
    break: (all) =>
      set(find(all, 'pubsub_subscription', 'push-tasks'), 'ack_deadline_seconds', 540),
  },
  {
    policy: 'timesFit',
    how: 'five attempts with the shortest waits',
    expected: 'gives up before a step is done',
    break(all) {
      const push = find(all, 'pubsub_subscription', 'push-tasks');
      set(push, 'dead_letter_policy.max_delivery_attempts', 5);
      set(push, 'retry_policy.maximum_backoff', '10s');
    },
  },
];
