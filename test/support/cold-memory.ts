import { ColdMismatch } from '../../functions/src/ports/cold-storage.ts';
import type { ColdObject, ColdStorage } from '../../functions/src/ports/cold-storage.ts';

export interface MemoryCold {
  readonly cold: ColdStorage;
  readonly objects: ReadonlyMap<string, ColdObject>;
  /** Bytes of each read since the last look, whole objects as their size. */
  takeReads(): number[];
  /** Nobody may delete this object any more. */
  lock(name: string): void;
}

/** Cold storage that lives as long as the test. `now` is its clock. */
export function memoryCold(now: () => number): MemoryCold {
  const objects = new Map<string, ColdObject & { readonly storedAt: number }>();
  const locked = new Set<string>();
  let reads: number[] = [];

  return {
    objects,
    takeReads() {
      const taken = reads;
      reads = [];
      return taken;
    },
    lock: (name) => void locked.add(name),
    cold: {
      async put(object) {
        const standing = objects.get(object.name);
        if (!standing) {
          objects.set(object.name, { ...object, storedAt: now() });
          return 'written';
        }
        if (Buffer.compare(standing.bytes, object.bytes) === 0) return 'standing';
        throw new ColdMismatch(`Another content stands under ${object.name}.`);
      },
      async read(name, range) {
        const bytes = objects.get(name)?.bytes;
        const part = range ? bytes?.subarray(range.offset, range.offset + range.length) : bytes;
        if (part) reads.push(part.length);
        return part;
      },
      /** One page: what stood as it was asked for, some of it maybe gone by the time it is read. */
      async *list(prefix) {
        const page = [...objects.values()].filter(({ name }) => name.startsWith(prefix));
        for (const { name, bytes, schema, operations, storedAt } of page.toSorted(byName)) {
          const lockedUntil = locked.has(name) ? { lockedUntil: Infinity } : {};
          yield { name, bytes: bytes.length, schema, operations, storedAt, ...lockedUntil };
        }
      },
      async delete(name) {
        if (locked.has(name)) return 'locked';
        return objects.delete(name) ? 'deleted' : 'absent';
      },
    },
  };
}

function byName(a: ColdObject, b: ColdObject): number {
  return a.name < b.name ? -1 : 1;
}
