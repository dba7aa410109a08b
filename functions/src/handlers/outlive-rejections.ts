import type { EventEmitter } from 'node:events';
import { recordedError } from '../operation/errors.ts';
import type { Telemetry } from '../ports/telemetry.ts';

const EVENT = 'unhandledRejection';

/**
 * Logs unhandled rejections and keeps the process alive. They come from a step's stray promises: the
 * step's own outcome is awaited and recorded apart from them, so they decide nothing.
 *
 * functions-framework answers 500 for those from within a request, and lives on. For all others it
 * has, once it listens, a listener that ends the instance with every task that it runs. Any listener
 * for this event that is added later is taken off again.
 */
export function outliveRejections(process: EventEmitter, telemetry: Telemetry): void {
  const report = (reason: unknown): void => {
    telemetry.event('ERROR', 'A promise was rejected and nobody handled it', {
      error: recordedError(reason),
    });
  };
  process.on(EVENT, report);
  process.on('newListener', (event: string | symbol, listener: (...values: unknown[]) => void) => {
    if (event !== EVENT || listener === report) return;
    queueMicrotask(() => process.removeListener(EVENT, listener));
  });
}
