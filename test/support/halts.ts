import { z } from 'zod';

import { taskFromText } from '../../functions/src/engine/tasks.ts';
import type { TaskPublisher } from '../../functions/src/ports/task-publisher.ts';
import type { Telemetry } from '../../functions/src/ports/telemetry.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import type { Token } from '../../functions/src/token/token.ts';

/** Where on its way a task can be halted, in the order of the way. */
export const POINTS = [
  'after claim',
  'after start',
  'before send',
  'after effect',
  'after record',
  'after publish',
  'before acknowledge',
] as const;

export type Point = (typeof POINTS)[number];

/**
 * `hold`: the task never goes on from there, so that the process can be killed with the task exactly
 * there. `freeze`: the whole process stops itself with SIGSTOP.
 */
export const haltSchema = z.object({ how: z.enum(['hold', 'freeze']), at: z.enum(POINTS) });

export type Halt = z.infer<typeof haltSchema>;

export interface Halts {
  store(real: TokenStore): TokenStore;
  publisher(real: TaskPublisher): TaskPublisher;
  /** Stops the process, from this instant on, if the task asked for that here. */
  freeze(token: Token, at: Point): void;
  /** Never settles if the task asked to be held here. */
  reach(token: Token, at: Point): Promise<void>;
}

const paramsSchema = z.object({ halt: haltSchema });

/** Halts a task's first attempt where its params ask for it. Each halt is logged as `halted`. */
export function halts(telemetry: Telemetry): Halts {
  const asked = new Map<Token, Halt>();

  function taken(token: Token, how: Halt['how'], at: Point): boolean {
    const halt = asked.get(token);
    if (halt?.how !== how || halt.at !== at) return false;
    asked.delete(token);
    telemetry.event('NOTICE', 'halted', { token, how, at });
    return true;
  }

  function freeze(token: Token, at: Point): void {
    if (taken(token, 'freeze', at)) process.kill(process.pid, 'SIGSTOP');
  }

  async function reach(token: Token, at: Point): Promise<void> {
    freeze(token, at);
    if (taken(token, 'hold', at)) await new Promise(() => {});
  }

  return {
    freeze,
    reach,
    store: (real) => ({
      ...real,
      async claim(request) {
        const answer = await real.claim(request);
        if (answer.kind !== 'claimed' || answer.claim.attempt > 1) return answer;
        if (request.task?.kind === 'inline') {
          const { data } = paramsSchema.safeParse(taskFromText(request.task.text).params);
          if (data) asked.set(answer.claim.token, data.halt);
        }
        await reach(answer.claim.token, 'after claim');
        return answer;
      },
      async complete(...asked) {
        const [{ token }] = asked;
        await reach(token, 'after effect');
        const answer = await real.complete(...asked);
        await reach(token, 'after record');
        return answer;
      },
      async markSent(...asked) {
        const [, token] = asked;
        await real.markSent(...asked);
        await reach(token, 'before acknowledge');
      },
    }),
    publisher: (real) => ({
      ...real,
      async publish(tasks) {
        await real.publish(tasks);
        for (const { root } of tasks) await reach(root, 'after publish');
      },
    }),
  };
}
