import { gunzipSync } from 'node:zlib';
import type { ColdStorage } from '../ports/cold-storage.ts';
import { linesOf, parseArchiveLine } from '../retention/archive-line.ts';
import type { ArchivedLine } from '../retention/archive-line.ts';
import { OPERATIONS_FOLDER } from '../retention/archive-plan.ts';
import type { Namespace } from '../token/token.ts';
import { unlessPurged } from './read-cold.ts';
import type { Runtime } from './runtime.ts';

const LOOKED_UP_AT_ONCE = 100;

/**
 * Every archived operation of a namespace, each once: an object at a time, and of its lines those that a
 * stub points to. What is archived or restored while the export runs is left to the next one.
 */
export async function* exportArchive(
  { store }: Pick<Runtime, 'store'>,
  cold: ColdStorage,
  namespace: Namespace,
): AsyncGenerator<ArchivedLine> {
  let asOf: number | undefined;
  for await (const { name } of cold.list(OPERATIONS_FOLDER)) {
    const bytes = await cold.read(name);
    if (!bytes) continue;
    const lines = linesOf(gunzipSync(bytes).toString())
      .map((line) => parseArchiveLine(line))
      .filter((line) => line.namespace === namespace);
    for (let from = 0; from < lines.length; from += LOOKED_UP_AT_ONCE) {
      const chunk = lines.slice(from, from + LOOKED_UP_AT_ONCE);
      const tokens = chunk.map(({ token }) => token);
      const standing = await store.getMany(namespace, tokens);
      // After the first answer, since the store's time is learnt from its answers.
      asOf ??= store.now();
      for (const [index, line] of chunk.entries()) {
        const stub = standing[index];
        if (stub?.record.status !== 'archived' || stub.updatedAt > asOf) continue;
        if (stub.record.pointer.object !== name) continue;
        yield { ...line, ...unlessPurged(line, stub.record) };
      }
    }
  }
}
