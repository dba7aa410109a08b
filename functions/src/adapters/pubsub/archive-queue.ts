import type { PubSub } from '@google-cloud/pubsub';
import type { ArchiveQueue } from '../../ports/archive-queue.ts';
import { ARCHIVE_ORDER_SCHEMA } from '../../names.ts';

/** Orders as messages of a topic, from which a push subscription has each worked by a function. */
export function pubsubArchiveQueue(pubsub: PubSub, topicName: string): ArchiveQueue {
  const topic = pubsub.topic(topicName, { batching: { maxMilliseconds: 2, maxMessages: 100 } });
  return {
    async publish(orders) {
      await Promise.all(
        orders.map((order) =>
          topic.publishMessage({ json: { schema: ARCHIVE_ORDER_SCHEMA, ...order } }),
        ),
      );
    },
  };
}
