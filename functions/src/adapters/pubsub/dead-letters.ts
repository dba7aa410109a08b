import { v1 } from '@google-cloud/pubsub';
import type { PubSub } from '@google-cloud/pubsub';
import { keptSubscription } from '../../names.ts';
import type { DeadLetter, DeadLetters, WhyDead } from '../../ports/dead-letters.ts';
import type { PubSubTopics } from './publisher.ts';

type Received = v1.protos.google.pubsub.v1.IReceivedMessage;
type ClientOptions = NonNullable<ConstructorParameters<typeof v1.SubscriberClient>[0]>;

const ANSWER_MS = 5_000;
/** Handles are long, and a request takes 512 KiB. */
const HANDLES_AT_ONCE = 500;
const DEADLINE_EXCEEDED = 4;
const NOT_FOUND = 5;

/** The dead letters that the subscription of their topic keeps; tasks are published to the topic of tasks. */
export async function pubsubDeadLetters(
  pubsub: PubSub,
  { tasks, deadLetters }: PubSubTopics,
): Promise<DeadLetters> {
  const client = new v1.SubscriberClient((await pubsub.getClientConfig()) as ClientOptions);
  const taskTopic = pubsub.topic(tasks, { batching: { maxMilliseconds: 2, maxMessages: 100 } });
  const name = keptSubscription(deadLetters);
  const subscription = name.startsWith('projects/')
    ? name
    : `projects/${pubsub.projectId}/subscriptions/${name}`;

  /**
   * By single calls: streams can't tell that there is nothing more. A call waits for messages, which finds
   * more of a small backlog than one that returns at once; on the emulator, which returns all there is, a
   * call that was given up would go on and take the next message along [M].
   */
  async function pull(maxMessages: number, returnImmediately: boolean): Promise<Received[]> {
    const request = { subscription, maxMessages, returnImmediately };
    const [{ receivedMessages }] = await client.pull(request, { timeout: ANSWER_MS, retry: null });
    return receivedMessages ?? [];
  }

  return {
    async take(limit) {
      try {
        const received = await pull(limit, pubsub.isEmulator).catch((error: unknown) => {
          if (codeOf(error) !== DEADLINE_EXCEEDED) throw error;
          return pull(limit, true); // tells an empty subscription from a server that is away
        });
        return received.map(deadLetter);
      } catch (error) {
        throw told(error, subscription);
      }
    },
    async publishAgain({ message: { data, attributes } }) {
      await taskTopic.publishMessage({ data: Buffer.from(data), attributes: { ...attributes } });
    },
    async acknowledge(handle) {
      await client.acknowledge({ subscription, ackIds: [handle] });
    },
    async giveBack(handles) {
      for (let at = 0; at < handles.length; at += HANDLES_AT_ONCE) {
        const ackIds = handles.slice(at, at + HANDLES_AT_ONCE);
        await client.modifyAckDeadline({ subscription, ackIds, ackDeadlineSeconds: 0 });
      }
    },
    close: () => client.close(),
  };
}

/** Pub/Sub's own notes are those of a message that it gave up. */
const NOTES = /^(?:agent-once-|CloudPubSubDeadLetter)/;

function deadLetter({ ackId, message }: Received): DeadLetter {
  const id = message?.messageId ?? '';
  const all: Readonly<Record<string, string>> = message?.attributes ?? {};
  const own = Object.entries(all).filter(([attribute]) => !NOTES.test(attribute));
  const seconds = message?.publishTime?.seconds;
  return {
    id,
    handle: ackId ?? '',
    message: {
      id: all['agent-once-message-id'] ?? id,
      data: Buffer.from(message?.data ?? ''),
      attributes: Object.fromEntries(own),
    },
    why: whyOf(all['agent-once-reason']),
    faults: faultsOf(all),
    ...(seconds !== undefined && seconds !== null && { at: Number(seconds) * 1_000 }),
  };
}

/** A reason that this build does not know is one more that nobody should replay unasked. */
function whyOf(reason: string | undefined): WhyDead {
  switch (reason) {
    case undefined:
      return 'undelivered';
    case 'mismatch':
    case 'expired':
      return reason;
    default:
      return 'invalid';
  }
}

function faultsOf(attributes: Readonly<Record<string, string>>): readonly string[] {
  const faults = attributes['agent-once-faults'];
  if (faults !== undefined) return faults.split('\n');
  const count = attributes['CloudPubSubDeadLetterSourceDeliveryCount'];
  return count === undefined ? [] : [`delivered ${count} times in vain`];
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function told(error: unknown, subscription: string): unknown {
  switch (codeOf(error)) {
    case NOT_FOUND:
      return new Error(
        `There is no subscription ${subscription}: npm run deploy makes it, and npm run dev.`,
        { cause: error },
      );
    case DEADLINE_EXCEEDED:
      return new Error(`Pub/Sub gave no answer within ${2 * ANSWER_MS} ms.`, { cause: error });
    default:
      return error;
  }
}
