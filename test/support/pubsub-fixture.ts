import { PubSub } from '@google-cloud/pubsub';

import { taskText } from '../../functions/src/index.ts';
import type { TaskMessage } from '../../functions/src/index.ts';
import { LOOPBACK } from '../../scripts/emulators/ports.ts';

export interface DeadLetter {
  readonly data: Buffer;
  readonly attributes: Readonly<Record<string, string>>;
}

export const TASK_TOPIC = 'tasks';
export const DEAD_LETTER_TOPIC = 'dead-letters';

const DEAD_LETTERS = 'dead-letters-kept';
/** The fewest deliveries after which Pub/Sub itself can be told to give up. */
const MAX_DELIVERY_ATTEMPTS = 5;

export interface PushOptions {
  readonly topic?: string;
  /** Where the functions process listens. */
  readonly port: number;
  /** Has Pub/Sub itself dead-letter what it has delivered five times in vain. */
  readonly givesUp?: boolean;
}

/**
 * Topics of a project in the Pub/Sub emulator, with a push subscription for each functions process.
 *
 * [M] The emulator has at most two pushes of a subscription in flight. One that is not answered 2xx, or
 * whose connection breaks, keeps its place for a second and is then pushed again; one that is not
 * answered at all is pushed again after the acknowledgement deadline, 10 s at least.
 */
export interface PubsubFixture {
  /** Adds a topic for tasks beside `tasks`. */
  addTopic(name: string): Promise<void>;
  /** Has the topic's messages pushed to a functions process. */
  push(options: PushOptions): Promise<void>;
  /** Resolves to the message's id. */
  publish(task: TaskMessage, topic?: string): Promise<string>;
  publishRaw(data: Uint8Array): Promise<string>;
  /** Takes out of the dead-letter topic all that is in it, whoever put it there; waits for the first few. */
  deadLetters(atLeast?: number): Promise<readonly DeadLetter[]>;
  close(): Promise<void>;
}

export async function openPubsub(host: string, projectId: string): Promise<PubsubFixture> {
  const pubsub = new PubSub({ projectId, apiEndpoint: host, emulatorMode: true });
  await pubsub.createTopic(TASK_TOPIC);
  const [deadLetterTopic] = await pubsub.createTopic(DEAD_LETTER_TOPIC);
  await deadLetterTopic.createSubscription(DEAD_LETTERS);
  const deadLetters = `http://${host}/v1/projects/${projectId}/subscriptions/${DEAD_LETTERS}`;
  let pushes = 0;

  return {
    addTopic: async (name) => void (await pubsub.createTopic(name)),

    async push({ topic = TASK_TOPIC, port, givesUp = false }) {
      pushes += 1;
      await pubsub.topic(topic).createSubscription(`push-${pushes}`, {
        pushConfig: { pushEndpoint: `http://${LOOPBACK}:${port}/` },
        ackDeadlineSeconds: 10,
        ...(givesUp && {
          deadLetterPolicy: {
            deadLetterTopic: deadLetterTopic.name,
            maxDeliveryAttempts: MAX_DELIVERY_ATTEMPTS,
          },
        }),
      });
    },

    publish: (task, topic = TASK_TOPIC) =>
      pubsub.topic(topic).publishMessage({
        data: Buffer.from(taskText(task)),
        attributes: { schema: task.schema, action: task.action },
      }),

    publishRaw: (data) => pubsub.topic(TASK_TOPIC).publishMessage({ data: Buffer.from(data) }),

    async deadLetters(atLeast = 0) {
      const taken: DeadLetter[] = [];
      for (;;) {
        const more = await take(deadLetters, taken.length >= atLeast);
        taken.push(...more);
        if (more.length === 0 && taken.length >= atLeast) return taken;
      }
    },

    close: () => pubsub.close(),
  };
}

interface Pulled {
  readonly receivedMessages?: readonly {
    readonly ackId: string;
    readonly message: { readonly data?: string; readonly attributes?: Record<string, string> };
  }[];
}

/** Some of what a subscription holds; nothing only if there is nothing, or nothing came for a while. */
async function take(subscription: string, returnImmediately: boolean): Promise<DeadLetter[]> {
  const pulled = await call(subscription, 'pull', { maxMessages: 1_000, returnImmediately });
  const { receivedMessages = [] } = pulled as Pulled;
  if (receivedMessages.length === 0) return [];
  await call(subscription, 'acknowledge', { ackIds: receivedMessages.map(({ ackId }) => ackId) });
  return receivedMessages.map(({ message: { data = '', attributes = {} } }) => ({
    data: Buffer.from(data, 'base64'),
    attributes,
  }));
}

/** By HTTP: the client library streams, and can't tell that there is nothing more. */
async function call(subscription: string, verb: string, body: object): Promise<unknown> {
  const response = await fetch(`${subscription}:${verb}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`Pub/Sub answered ${response.status} to ${verb}.`);
  return response.json();
}
