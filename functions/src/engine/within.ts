import { StoreAway } from '../operation/errors.ts';
import type { Clock } from '../ports/clock.ts';

/**
 * The answer of `asked`, if it comes in time. If it comes later, `late` is given it; a late failure
 * is nobody's to handle any more.
 *
 * @throws {StoreAway} when time is up
 */
export function within<T>(
  clock: Clock,
  ms: number,
  asked: Promise<T>,
  late: (answer: T) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timeUp = false;
    const cancel = clock.after(ms, () => {
      timeUp = true;
      reject(new StoreAway(`The store gave no answer within ${ms} ms.`));
    });
    asked.then(
      (answer) => {
        cancel();
        if (timeUp) late(answer);
        else resolve(answer);
      },
      (error: unknown) => {
        cancel();
        if (!timeUp) reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}
