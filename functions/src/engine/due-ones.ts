import type { Page } from '../ports/token-store.ts';
import type { Namespace } from '../token/token.ts';
import type { Runtime } from './runtime.ts';

export interface SweepOptions {
  readonly shard: number;
  /** Whose records: others that share the store have a queue, and a sweep, of their own. */
  readonly namespace: Namespace;
  /** The most operations, and the most workflows, that one run looks at; the next finds what is left. Default 2,000. */
  readonly limit?: number;
}

/** What a sweep looks at when its time has come: an operation or a workflow. */
interface Due {
  readonly record: { readonly namespace: Namespace; readonly dueAt?: number };
}

interface DuePage<Found> {
  readonly due: readonly Found[];
  readonly next: string | undefined;
}

const PAGE = 200;

/** Overdue for longer than this, a record is looked at ever more rarely: something is wrong with it. */
const THINNED_AFTER_MS = 900_000;

/** Page by page: what can't be dealt with stays at the front, and must not keep the rest from its turn. */
export async function* dueOnes<Found extends Due>(
  { store, random }: Runtime,
  { namespace, limit = 2_000 }: SweepOptions,
  read: (page: Page) => Promise<DuePage<Found>>,
): AsyncGenerator<Found> {
  let after: string | undefined;
  for (let seen = 0; seen < limit; seen += PAGE) {
    const size = Math.min(PAGE, limit - seen);
    const page = await read({ limit: size, ...(after !== undefined && { after }) });
    for (const found of page.due) {
      const { record } = found;
      const overdueMs = store.now() - (record.dueAt ?? 0);
      const isTurn = random() * overdueMs < THINNED_AFTER_MS;
      if (record.namespace === namespace && isTurn) yield found;
    }
    after = page.next;
    if (after === undefined) return;
  }
}
