import type { Policy } from './access.ts';
import { at, named, ofType, referred, seconds } from './synthesised.ts';
import type { Resource } from './synthesised.ts';

const DAY_SECONDS = 86_400;

export const bucketsAreLocked: Policy = (resources) =>
  ofType(resources, 'google_storage_bucket').flatMap((resource) => {
    const { attributes } = resource;
    const softDelete = Number(at(attributes, 'soft_delete_policy', 'retention_duration_seconds'));
    const faults: string[] = [];
    if (attributes['uniform_bucket_level_access'] !== true) faults.push('has no uniform access');
    if (attributes['public_access_prevention'] !== 'enforced') faults.push('could be made public');
    // Source can be built again; a lock keeps what it holds by itself.
    const kept = resource.key === 'bucket-source' || attributes['retention_policy'] !== undefined;
    if (!kept && !(softDelete >= 7 * DAY_SECONDS)) {
      faults.push('forgets at once what is deleted by mistake');
    }
    return faults.map((fault) => `${named(resource)} ${fault}.`);
  });

const pushed = (resources: readonly Resource[]): readonly Resource[] =>
  ofType(resources, 'google_pubsub_subscription').filter(
    ({ attributes }) => attributes['push_config'] !== undefined,
  );

/** Pub/Sub dead-letters only where its own account may publish to the one and take from the other. */
export const taskTopicsHaveDeadLetters: Policy = (resources) =>
  pushed(resources).flatMap((resource) => {
    const { attributes } = resource;
    const policy = attributes['dead_letter_policy'];
    const topic = referred(resources, 'google_pubsub_topic', at(policy, 'dead_letter_topic'));
    if (!topic) return [`${named(resource)} has no dead-letter topic.`];
    const faults: string[] = [];
    if (at(policy, 'max_delivery_attempts') !== 100) faults.push('gives up before 100 attempts');
    const agent = /^serviceAccount:service-.+@gcp-sa-pubsub\.iam\.gserviceaccount\.com$/;
    const granted = (type: string, on: string, target: Resource, role: string): boolean =>
      ofType(resources, type).some(
        (grant) =>
          agent.test(String(grant.attributes['member'])) &&
          grant.attributes['role'] === role &&
          referred(resources, target.type, grant.attributes[on]) === target,
      );
    if (!granted('google_pubsub_topic_iam_member', 'topic', topic, 'roles/pubsub.publisher')) {
      faults.push('has a dead-letter topic that Pub/Sub may not publish to');
    }
    const subscriber = 'roles/pubsub.subscriber';
    if (!granted('google_pubsub_subscription_iam_member', 'subscription', resource, subscriber)) {
      faults.push('can have nothing taken from it by Pub/Sub, to be dead-lettered');
    }
    const kept = ofType(resources, 'google_pubsub_subscription').some(
      ({ attributes: each }) =>
        referred(resources, 'google_pubsub_topic', each['topic']) === topic &&
        at(each, 'expiration_policy', 'ttl') === '',
    );
    if (!kept) faults.push('has a dead-letter topic that nothing keeps');
    return faults.map((fault) => `${named(resource)} ${fault}.`);
  });

/** A store that is away for a day loses no task: neither topic nor subscription forgets one sooner. */
export const aDayIsOutlived: Policy = (resources) =>
  pushed(resources).flatMap((resource) => {
    const topic = referred(resources, 'google_pubsub_topic', resource.attributes['topic']);
    const faults: string[] = [];
    for (const each of [resource, ...(topic ? [topic] : [])]) {
      const kept = seconds(each.attributes['message_retention_duration']);
      if (!(kept >= DAY_SECONDS)) faults.push(`${named(each)} keeps messages for less than a day.`);
    }
    if (at(resource.attributes, 'expiration_policy', 'ttl') !== '') {
      faults.push(`${named(resource)} expires when it is not used.`);
    }
    return faults;
  });

export interface StepBudget {
  readonly action: string;
  readonly timeoutMs: number;
}

/** Step budget < function timeout < acknowledgement deadline ≤ 600 s; and all retries outlast a step. */
export const timesFit =
  (steps: readonly StepBudget[]): Policy =>
  (resources) => {
    const longestMs = Math.max(0, ...steps.map(({ timeoutMs }) => timeoutMs));
    const functions = ofType(resources, 'google_cloudfunctions2_function');
    const timeoutOf = ({ attributes }: Resource) =>
      Number(at(attributes, 'service_config', 'timeout_seconds'));
    const tooShort = functions.flatMap((each) =>
      steps
        .filter(
          ({ timeoutMs }) =>
            each.key === 'function-run-task' && timeoutMs >= timeoutOf(each) * 1_000,
        )
        .map(({ action }) => `${named(each)} ends before ${action} must have ended.`),
    );
    const overlapping = pushed(resources).flatMap((each) => {
      const deadline = Number(each.attributes['ack_deadline_seconds']);
      const longest = Math.max(...functions.map(timeoutOf));
      const faults: string[] = [];
      if (longest >= deadline) faults.push('delivers again while a function still runs');
      if (deadline > 600) faults.push('has a longer deadline than Pub/Sub allows');
      if (allBackoffSeconds(each) * 1_000 <= longestMs)
        faults.push('gives up before a step is done');
      return faults.map((fault) => `${named(each)} ${fault}.`);
    });
    return [...tooShort, ...overlapping];
  };

/** How long Pub/Sub goes on: the waits between all its attempts, doubling from the least to the most. */
export function allBackoffSeconds({ attributes }: Resource): number {
  const least = seconds(at(attributes, 'retry_policy', 'minimum_backoff'));
  const most = seconds(at(attributes, 'retry_policy', 'maximum_backoff'));
  const attempts = Number(at(attributes, 'dead_letter_policy', 'max_delivery_attempts'));
  let total = 0;
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    total += Math.min(most, least * 2 ** (attempt - 1));
  }
  return total || 0;
}
