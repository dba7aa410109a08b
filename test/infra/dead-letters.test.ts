import { expect, it } from 'vitest';
import { keptSubscription } from '../../functions/src/names.ts';
import { ofType } from '../../infra/policy/synthesised.ts';
import { TOPICS } from '../../infra/resource-names.ts';
import { environmentOf, resourcesOf } from './support/synthesised-environment.ts';

const resources = resourcesOf('prod');
const NAME = keptSubscription(TOPICS.deadLetters);

it('dead letters are kept for 31 days where the command line takes them from', () => {
  const kept = ofType(resources, 'google_pubsub_subscription').filter(
    ({ attributes }) => attributes['name'] === NAME,
  );
  expect(kept.map(({ attributes }) => attributes)).toEqual([
    expect.objectContaining({
      topic: '${google_pubsub_topic.topic-deadLetters.id}',
      message_retention_duration: `${31 * 86_400}s`,
      expiration_policy: { ttl: '' },
    }),
  ]);
  expect(kept[0]?.attributes).not.toHaveProperty('push_config');
  expect(kept[0]?.attributes).not.toHaveProperty('dead_letter_policy');
});

it('operators may take them and publish tasks again, each on the one resource', () => {
  const { operators } = environmentOf('prod');
  expect(operators.length).toBeGreaterThan(0);
  for (const member of operators) {
    const granted = (type: string) =>
      ofType(resources, type)
        .filter(({ attributes }) => attributes['member'] === member)
        .map(({ attributes: { topic, subscription, role } }) => [topic ?? subscription, role]);
    expect(granted('google_pubsub_subscription_iam_member')).toEqual([
      [NAME, 'roles/pubsub.subscriber'],
    ]);
    expect(granted('google_pubsub_topic_iam_member')).toEqual([
      ['${google_pubsub_topic.topic-tasks.name}', 'roles/pubsub.publisher'],
    ]);
  }
});
