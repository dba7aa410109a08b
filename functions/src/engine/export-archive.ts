import type { ArchivedRecord } from '../operation/record.ts';
import type { ColdStorage } from '../ports/cold-storage.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';
import { archivedAt, batchOf, OPERATIONS_FOLDER } from '../retention/archive-plan.ts';
import type { Namespace, Token } from '../token/token.ts';
import { linesIn } from './cold-lines.ts';
import { unlessPurged } from './read-cold.ts';
import type { Runtime } from './runtime.ts';

const LOOKED_UP_AT_ONCE = 100;
const MAX_ROUNDS = 5;

type Store = Pick<Runtime, 'store'>;

/** One batch, all of its versions: what of it is given out already. */
interface Batch {
  readonly begins: string;
  readonly given: Set<Token>;
}

/**
 * Every archived operation of a namespace, each once: an object at a time, and of its lines those that a
 * stub points to, there or in another version of the object. What is archived or restored while the
 * export runs is left to the next one; what is purged meanwhile is given out, without its payload from then.
 */
export async function* exportArchive(
  runtime: Store,
  cold: ColdStorage,
  namespace: Namespace,
): AsyncGenerator<ArchivedLine> {
  // Learnt from the first answer, since the store's time is.
  const started: { at?: number } = {};
  let batch: Batch = { begins: '', given: new Set() };
  for await (const { name } of cold.list(OPERATIONS_FOLDER)) {
    // Versions of a batch are listed one after the other.
    if (batchOf(name) !== batch.begins) batch = { begins: batchOf(name), given: new Set() };
    for await (const lines of standingLines(cold, name)) {
      const ours = lines.filter((line) => line.namespace === namespace);
      yield* pointedTo(runtime, ours, batch, started);
    }
  }
}

/** What is in an object; where it is gone since it was listed, in the versions that took its place. */
async function* standingLines(cold: ColdStorage, listed: string): AsyncGenerator<ArchivedLine[]> {
  let names = [listed];
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    let gone = false;
    for (const name of names) {
      const lines = await linesIn(cold, name);
      if (lines) yield lines;
      else gone = true;
    }
    if (!gone) return;
    names = [];
    for await (const { name } of cold.list(batchOf(listed))) names.push(name);
  }
  throw new Error(`${listed} kept being written anew while it was exported. Run the export again.`);
}

async function* pointedTo(
  { store }: Store,
  lines: readonly ArchivedLine[],
  { begins, given }: Batch,
  started: { at?: number },
): AsyncGenerator<ArchivedLine> {
  for (let from = 0; from < lines.length; from += LOOKED_UP_AT_ONCE) {
    const chunk = lines.slice(from, from + LOOKED_UP_AT_ONCE);
    const [first] = chunk;
    if (!first) return;
    const standing = await store.getMany(
      first.namespace,
      chunk.map(({ token }) => token),
    );
    const asOf = (started.at ??= store.now());
    for (const [index, line] of chunk.entries()) {
      const stub = standing[index];
      if (stub?.record.status !== 'archived' || given.has(line.token)) continue;
      if (batchOf(stub.record.pointer.object) !== begins) continue;
      if (isLater(stub.record, stub.updatedAt, asOf)) continue;
      given.add(line.token);
      yield { ...line, ...unlessPurged(line, stub.record) };
    }
  }
}

/** Whether it was archived after the export began. Its pointer may have moved since in either case. */
function isLater(stub: ArchivedRecord, updatedAt: number, asOf: number): boolean {
  return archivedAt(stub) > asOf && updatedAt > asOf;
}
