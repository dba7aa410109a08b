import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import { PUBSUB_ANSWERS } from '../../functions/src/operation/outcome.ts';
import type { OutcomeKind } from '../../functions/src/operation/outcome.ts';
import type { Seen } from './seen.ts';

/** Resolves when each of the messages has been answered for the last time. */
export function acknowledged(log: Seen<LogEntry>, messageIds: readonly string[]): Promise<void> {
  const left = new Set(messageIds);
  return new Promise((resolve) => {
    const look = ({ decision }: LogEntry): void => {
      if (!decision?.messageId || !isAcknowledged(decision.outcome)) return;
      left.delete(decision.messageId);
      if (left.size === 0) resolve();
    };
    log.each(look);
    log.all.forEach(look);
  });
}

function isAcknowledged(outcome: string): boolean {
  return PUBSUB_ANSWERS[outcome as OutcomeKind].status < 300;
}
