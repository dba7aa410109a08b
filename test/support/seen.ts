/** What has been seen so far, in order. Whoever waits is given the first that fits, past or to come. */
export interface Seen<T> {
  readonly all: readonly T[];
  add(item: T): void;
  /** Passes on each item from now on. */
  each(listener: (item: T) => void): void;
  /**
   * @param what named by the error when nothing fits in time
   */
  first(what: string, fits: (item: T) => boolean): Promise<T>;
}

/** Far above what anything takes on a machine that is busy with other things as well. */
const PATIENCE_MS = 90_000;
const SHOWN = 5;

export function seen<T>(): Seen<T> {
  const all: T[] = [];
  const listeners = new Set<(item: T) => void>();

  return {
    all,
    add(item) {
      all.push(item);
      for (const listener of listeners) listener(item);
    },
    each: (listener) => void listeners.add(listener),
    first(what, fits) {
      const past = all.find(fits);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve, reject) => {
        const over = setTimeout(() => {
          listeners.delete(look);
          const last = all.slice(-SHOWN).map((item) => `\n  ${JSON.stringify(item)}`);
          reject(
            new Error(`Not seen within ${PATIENCE_MS} ms: ${what}. The last seen:${last.join('')}`),
          );
        }, PATIENCE_MS);
        function look(item: T): void {
          if (!fits(item)) return;
          clearTimeout(over);
          listeners.delete(look);
          resolve(item);
        }
        listeners.add(look);
      });
    },
  };
}
