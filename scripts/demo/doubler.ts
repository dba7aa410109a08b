import type { Message, PubSub } from '@google-cloud/pubsub';
import { LOCAL } from '../dev/local-deployment.ts';

export interface Doubler {
  /** The id of every message that was published to the topic, the copies among them. */
  readonly seen: ReadonlySet<string>;
  stop(): Promise<void>;
}

const COPY = 'demo-copy';

/** Publishes a copy of each message on the topic, so that every step meets its duplicate. */
export async function startDoubler(pubsub: PubSub): Promise<Doubler> {
  const topic = pubsub.topic(LOCAL.taskTopic);
  const [subscription] = await topic.createSubscription('demo-doubler');
  const seen = new Set<string>();
  subscription.on('message', (message: Message) => {
    seen.add(message.id);
    message.ack();
    if (message.attributes[COPY] !== undefined) return;
    const attributes = { ...message.attributes, [COPY]: 'true' };
    topic.publishMessage({ data: message.data, attributes }).catch(complain);
  });
  subscription.on('error', complain);
  return { seen, stop: () => subscription.close() };
}

function complain(error: unknown): void {
  console.error('A message was not published twice:', error);
}
