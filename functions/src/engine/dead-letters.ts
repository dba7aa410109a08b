import type { DeadLetter, DeadLetters, WhyDead } from '../ports/dead-letters.ts';

export interface ReplayOptions {
  /** Only these are published again; the others stay. */
  readonly reasons: readonly WhyDead[];
  /** The most that are published again. */
  readonly limit: number;
  /** Counts only. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly progress: (report: ReplayReport) => void;
}

export interface ReplayReport {
  readonly replayed: number;
  /** Those that stay, by why they are dead. */
  readonly kept: Readonly<Partial<Record<WhyDead, number>>>;
  /** Could not be published or acknowledged; they stay. */
  readonly failed: number;
  /** What the first of them failed with. */
  readonly failure?: unknown;
}

const BATCH = 100;

/**
 * Publishes dead letters to the queue of tasks again. Each is acknowledged only once its message is durable
 * there, so that a crash in between has it published twice, which its token makes harmless.
 */
export async function replayDeadLetters(
  from: DeadLetters,
  { reasons, limit, dryRun, signal, progress }: ReplayOptions,
): Promise<ReplayReport> {
  let replayed = 0;
  const kept: Partial<Record<WhyDead, number>> = {};
  const failures: unknown[] = [];
  const report = (): ReplayReport => ({
    replayed,
    kept: { ...kept },
    failed: failures.length,
    ...(failures.length > 0 && { failure: failures[0] }),
  });

  await lookThrough(from, async (letters) => {
    const wanted = letters.filter(({ why }) => reasons.includes(why)).slice(0, limit - replayed);
    const others = letters.filter((letter) => !wanted.includes(letter));
    for (const { why } of others) kept[why] = (kept[why] ?? 0) + 1;
    const settled = dryRun
      ? []
      : await Promise.allSettled(wanted.map((letter) => replay(from, letter)));
    const failed = settled.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    failures.push(...(failed as unknown[]));
    replayed += wanted.length - failed.length;
    progress(report());
    const away = failed.length > 0 && failed.length === wanted.length;
    return {
      done: dryRun ? [] : wanted.filter((_, index) => settled[index]?.status === 'fulfilled'),
      goOn: !signal.aborted && replayed < limit && !away,
    };
  });
  return report();
}

async function replay(from: DeadLetters, letter: DeadLetter): Promise<void> {
  await from.publishAgain(letter);
  await from.acknowledge(letter.handle);
}

/** Shows every dead letter, once; all of them stay. */
export async function eachDeadLetter(
  from: DeadLetters,
  show: (letter: DeadLetter) => void,
  signal: AbortSignal,
): Promise<void> {
  await lookThrough(from, async (letters) => {
    for (const letter of letters) show(letter);
    return { done: [], goOn: !signal.aborted };
  });
}

interface Visited {
  /** Acknowledged. */
  readonly done: readonly DeadLetter[];
  readonly goOn: boolean;
}

/**
 * Takes batch after batch until nothing new comes. What is not done with is given back at the end, not
 * sooner, or it would come again at once; what comes again before is not visited twice.
 */
async function lookThrough(
  from: DeadLetters,
  visit: (letters: readonly DeadLetter[]) => Promise<Visited>,
): Promise<void> {
  const held = new Map<string, string>();
  const done = new Set<string>();
  try {
    for (let goOn = true; goOn;) {
      const taken = await from.take(BATCH);
      const fresh = taken.filter(({ id }) => !held.has(id) && !done.has(id));
      for (const { id, handle } of taken) {
        // The acknowledgement of one that is done with was lost.
        if (done.has(id)) await from.acknowledge(handle);
        else held.set(id, handle);
      }
      if (fresh.length === 0) return;
      const visited = await visit(fresh);
      for (const { id } of visited.done) {
        held.delete(id);
        done.add(id);
      }
      ({ goOn } = visited);
    }
  } finally {
    await from.giveBack([...held.values()]);
  }
}
