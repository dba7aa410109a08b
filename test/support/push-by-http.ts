import { setTimeout as delay } from 'node:timers/promises';

import { taskText } from '../../functions/src/index.ts';
import type { TaskMessage } from '../../functions/src/index.ts';

export interface PushAnswer {
  readonly status: number;
  /** What the functions say that the delivery came to. */
  readonly outcome: string | null;
  readonly retryAfterMs: number;
}

/** Delivers a task as a push subscription would. */
export function pushByHttp(url: string, task: TaskMessage, messageId: string): Promise<PushAnswer> {
  const message = { messageId, data: Buffer.from(taskText(task)).toString('base64') };
  return post(url, JSON.stringify({ message, subscription: 'projects/p/subscriptions/s' }));
}

/** Delivers it again, no sooner than it was asked to, until it is acknowledged. */
export async function pushUntilAcknowledged(
  url: string,
  task: TaskMessage,
  messageId: string,
): Promise<PushAnswer> {
  for (;;) {
    const answer = await pushByHttp(url, task, messageId);
    if (answer.status < 300) return answer;
    await delay(answer.retryAfterMs);
  }
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Readonly<Record<string, string>> = { 'Content-Type': 'application/json' },
): Promise<PushAnswer> {
  const response = await fetch(url, { method: 'POST', headers, body });
  await response.arrayBuffer();
  return {
    status: response.status,
    outcome: response.headers.get('agent-once-outcome'),
    retryAfterMs: Number(response.headers.get('retry-after') ?? 0) * 1_000,
  };
}
