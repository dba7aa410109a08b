import type { PubSub, Topic } from '@google-cloud/pubsub';
import type { TaskMessage } from '../../operation/task.ts';
import type { TaskPublisher } from '../../ports/task-publisher.ts';
import { encodeCanonical } from '../../token/canonical.ts';

export interface PubSubTopics {
  readonly tasks: string;
  readonly deadLetters: string;
}

/** Attribute values are limited to 1,024 bytes (https://cloud.google.com/pubsub/quotas). */
const MAX_ATTRIBUTE_BYTES = 1_024;

/** Attributes of a message (https://cloud.google.com/pubsub/quotas), less those that are added here. */
const MAX_FOREIGN_ATTRIBUTES = 97;

/** Publishes tasks to a Pub/Sub topic, and rejected messages with their reason to another. */
export function pubsubPublisher(
  pubsub: PubSub,
  { tasks, deadLetters }: PubSubTopics,
): TaskPublisher {
  const taskTopic = pubsub.topic(tasks, { batching: { maxMilliseconds: 2, maxMessages: 100 } });
  const deadLetterTopic = pubsub.topic(deadLetters, { batching: { maxMessages: 1 } });

  return {
    async publish(messages) {
      await Promise.all(messages.map((task) => publishTask(taskTopic, task)));
    },
    async deadLetter(message, reason) {
      await deadLetterTopic.publishMessage({
        data: Buffer.from(message.data),
        attributes: {
          ...wellFormed(message.attributes),
          'agent-once-reason': reason.code,
          'agent-once-faults': shortened(reason.faults.join('\n').toWellFormed()),
          'agent-once-message-id': message.id,
        },
      });
    },
  };
}

/** The action travels as an attribute too, so that subscriptions can filter by it. */
async function publishTask(topic: Topic, task: TaskMessage): Promise<void> {
  await topic.publishMessage({
    data: Buffer.from(encodeCanonical(task)),
    attributes: { schema: task.schema, action: task.action },
  });
}

/** Pub/Sub takes nothing else, and leaves a publisher of anything else without an answer [M]. */
function wellFormed(attributes: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(attributes)
      .slice(0, MAX_FOREIGN_ATTRIBUTES)
      .map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]),
  );
}

function shortened(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_ATTRIBUTE_BYTES) return text;
  return `${bytes.subarray(0, MAX_ATTRIBUTE_BYTES - 8).toString()}…`;
}
