import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { DeadLetterReason, TaskPublisher } from '../../functions/src/ports/task-publisher.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import type { World } from './world.ts';

export interface Message {
  readonly id: string;
  readonly task: TaskMessage;
  deliveries: number;
  acknowledged: boolean;
  deadLetter?: DeadLetterReason;
}

/** A process that takes pushed messages; answers whether each is done with. */
export interface Receiver {
  readonly instance: Instance;
  receive(message: Message): Promise<boolean>;
}

/** Pub/Sub's manners: at least once, in any order, again when not acknowledged in time. */
export interface Queue {
  /** Puts a task in, durably and at once. */
  put(task: TaskMessage): void;
  publisherFor(instance: Instance): TaskPublisher;
  messages(): readonly Message[];
  /** Messages that are not acknowledged yet. */
  open(): number;
}

export function createQueue(world: World): Queue {
  const { scheduler, dice, faults, trace } = world;
  const messages = new Map<string, Message>();
  /** Shorter than a step may take, in some runs: redelivery to somebody else while it runs. */
  const ackDeadlineMs = dice.pick([6_000, 30_000]);
  let open = 0;

  function put(task: TaskMessage): void {
    const message: Message = {
      id: `m${messages.size + 1}`,
      task,
      deliveries: 0,
      acknowledged: false,
    };
    messages.set(message.id, message);
    open += 1;
    world.watch.published(task);
    deliverLater(message, dice.between(5, 60));
    if (faults.strikes('duplicate_delivery', 0.15)) deliverLater(message, dice.between(5, 9_000));
  }

  function deliverLater(message: Message, ms: number): void {
    const late = faults.strikes('late_delivery', 0.05) ? dice.between(1_000, 40_000) : 0;
    scheduler.after(ms + late, undefined, () => deliver(message));
  }

  /** Sooner than Pub/Sub would, so that much happens at once; later with each time, as it would. */
  function again(message: Message): void {
    const soon = dice.chance(0.5) ? dice.between(50, 1_500) : dice.between(1_500, 12_000);
    deliverLater(message, soon * (1 + message.deliveries / 8));
  }

  function deliver(message: Message): void {
    if (message.acknowledged) return;
    const receiver = world.receivers[dice.whole(0, world.receivers.length - 1)];
    if (!receiver || receiver.instance.dead) return again(message);
    message.deliveries += 1;
    push(message, receiver);
  }

  /** One delivery. It ends once: with the answer, the deadline, or the receiver's death. */
  function push(message: Message, { instance, receive }: Receiver): void {
    let ended = false;
    const deadline = scheduler.after(ackDeadlineMs, undefined, () => {
      faults.happened('ack_deadline_passed');
      end(false);
    });
    function end(done: boolean): void {
      if (ended) {
        if (done && dice.chance(0.5)) acknowledge(message);
        return;
      }
      ended = true;
      deadline.cancel();
      instance.whenDead.delete(broken);
      if (done) acknowledge(message);
      else if (!message.acknowledged) again(message);
    }
    const broken = (): void => {
      if (dice.chance(0.7)) scheduler.after(dice.between(1, 100), undefined, () => end(false));
    };
    instance.whenDead.add(broken);

    scheduler.after(0, instance, () => {
      trace.note(instance.name, `gets ${message.id}`, world.labelOf(message.task));
      void receive(message).then((done) => {
        scheduler.after(dice.between(0.5, 15), undefined, () => {
          if (done && faults.strikes('lost_ack', 0.15)) return;
          end(done);
        });
      });
    });
  }

  function acknowledge(message: Message): void {
    if (message.acknowledged) return;
    message.acknowledged = true;
    open -= 1;
    trace.note('queue', `has ${message.id} acknowledged`, world.labelOf(message.task));
  }

  return {
    put,
    open: () => open,
    messages: () => [...messages.values()],
    publisherFor: (instance) => ({
      async publish(tasks) {
        world.watch.publishing(instance, tasks);
        await Promise.all(
          tasks.map((task) => remote(world, instance, 'queue', 'publish', () => put(task))),
        );
      },
      deadLetter: ({ id }, reason) =>
        remote(world, instance, 'queue', 'deadLetter', () => {
          const message = messages.get(id);
          if (message) message.deadLetter = reason;
        }),
    }),
  };
}
