import type { Namespace, TaskMessage } from '../../functions/src/index.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';

export interface StageOptions {
  readonly folder: string;
  readonly namespace: Namespace;
  readonly sandboxUrl: string;
  /** How many scenes are played. */
  readonly scenes: number;
}

/** Where the demo plays: a store, a queue, and workers as processes of their own. */
export interface Stage {
  /** As in "on the embedded store". */
  readonly title: string;
  readonly namespace: Namespace;
  readonly store: TokenStore;
  /** How many steps surely run at once, though each waits long for its answer. */
  readonly atOnce: number;
  /** Publishes each task twice, as two messages. */
  publishTwice(tasks: readonly TaskMessage[]): Promise<void>;
  /** Resolves once the worker takes messages; each line that it logs goes to `log`. */
  startWorker(log: (line: string) => void): Promise<StageWorker>;
  /** Whether no message is left that would still be delivered. */
  drained(): Promise<boolean>;
  /** The options of `agent-once` that look into what is left here, where anything is. */
  readonly options?: string;
  /** Ends whatever still runs here. */
  close(): Promise<void>;
}

export interface StageWorker {
  readonly pid: number;
  /** Resolves when it has ended, whatever ended it. */
  readonly exited: Promise<void>;
  /** SIGKILL: nothing of it runs any more when this resolves. */
  kill(): Promise<void>;
  stop(): Promise<void>;
}
