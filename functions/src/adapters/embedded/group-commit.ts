import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, orAway } from './database.ts';

export interface GroupCommit {
  /**
   * Resolves with what the work returned, once that is committed. The work writes one row, or rows of
   * which some may be left out. `StoreAway` where SQLite fails: whether it stands is then unknown.
   */
  commit<T>(work: () => T): Promise<T>;
  /** Commits at once what was asked for. */
  flush(): void;
}

interface Piece {
  /** Does the work inside the transaction; what it returns tells the caller, once that is committed. */
  run(): () => void;
  reject(error: unknown): void;
}

/** Enough to share one wait; whoever comes later finds the commit under way. */
const FULL_GROUP = 64;

/**
 * Commits together what is asked for in one turn of the event loop, and in the turns after it while more
 * keeps coming. A commit on a file is a wait for the disk, which takes longer than all else; writers that
 * come together share it. One that comes alone is not kept waiting for company.
 */
export function groupCommit(database: DatabaseSync): GroupCommit {
  let group: Piece[] = [];
  let seen = 0;
  let hadCompany = false;

  function look(): void {
    const grown = group.length > seen && group.length < FULL_GROUP;
    if (!grown || (group.length === 1 && !hadCompany)) return flush();
    seen = group.length;
    setImmediate(look);
  }

  function flush(): void {
    const pieces = group;
    group = [];
    seen = 0;
    hadCompany = pieces.length > 1;
    if (pieces.length === 0) return;
    let answers: (() => void)[];
    try {
      answers = orAway(() => inTransaction(database, () => pieces.map((piece) => piece.run())));
    } catch (error) {
      for (const piece of pieces) piece.reject(error);
      return;
    }
    for (const answer of answers) answer();
  }

  return {
    flush,
    commit<T>(work: () => T): Promise<T> {
      const { promise, resolve, reject } = Promise.withResolvers<T>();
      if (group.length === 0) setImmediate(look);
      group.push({
        run() {
          try {
            const result = orAway(work);
            return () => resolve(result);
          } catch (error) {
            return () => reject(error);
          }
        },
        reject,
      });
      return promise;
    },
  };
}

/** For a database in memory, where a commit waits for nothing. */
export function commitAtOnce(): GroupCommit {
  return {
    commit: async (work) => orAway(work),
    flush() {},
  };
}
