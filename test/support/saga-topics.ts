import { pubsubPublisher } from '../../functions/src/adapters/pubsub/publisher.ts';
import type { TaskPublisher } from '../../functions/src/ports/task-publisher.ts';
import { DEAD_LETTER_TOPIC } from './pubsub-fixture.ts';

/** Each worker has a topic of its own, so that a message is one worker's and its twin another's. */
export const topicOf = (worker: number): string => `saga-tasks-${worker}`;

/** Two different workers; which of them, chance says. */
export function twoWorkers(workers: number, random: () => number): readonly number[] {
  const first = Math.floor(random() * workers);
  return [first, (first + 1) % workers];
}

/** Publishes each task twice, to topics of two workers. */
export function publishesTwice(
  pubsub: Parameters<typeof pubsubPublisher>[0],
  workers: number,
): TaskPublisher {
  const publisherTo = (tasks: string): TaskPublisher =>
    pubsubPublisher(pubsub, { tasks, deadLetters: DEAD_LETTER_TOPIC });
  const publishers = Array.from({ length: workers }, (_, worker) => publisherTo(topicOf(worker)));
  return {
    ...publisherTo(topicOf(0)),
    async publish(tasks) {
      const copies = tasks.flatMap((task) => {
        const chosen = twoWorkers(workers, Math.random);
        return publishers
          .filter((_, worker) => chosen.includes(worker))
          .map((publisher) => publisher.publish([task]));
      });
      await Promise.all(copies);
    },
  };
}
