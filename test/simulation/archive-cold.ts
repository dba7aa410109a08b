import type { ColdObject, ColdStorage } from '../../functions/src/ports/cold-storage.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import type { World } from './world.ts';

/** Objects, by their names. */
export type Objects = Map<string, ColdObject>;

/** Cold storage as one process reaches it: its calls fare like those to blobs. */
export function remoteCold(world: World, instance: Instance, objects: Objects): ColdStorage {
  return {
    put: (object) =>
      remote(world, instance, 'blobs', 'put object', () => {
        const standing = objects.has(object.name);
        if (!standing) objects.set(object.name, object);
        return standing ? 'standing' : 'written';
      }),
    read: (name, range) =>
      remote(world, instance, 'blobs', 'read object', () => partOf(objects, name, range)),
    delete: (name) =>
      remote(world, instance, 'blobs', 'delete object', () =>
        objects.delete(name) ? 'deleted' : 'absent',
      ),
    list: () => nothing(),
  };
}

/** The same without a network, for whoever judges. */
export function nearCold(objects: Objects): ColdStorage {
  return {
    async put(object) {
      if (objects.has(object.name)) return 'standing';
      objects.set(object.name, object);
      return 'written';
    },
    read: async (name, range) => partOf(objects, name, range),
    delete: async (name) => (objects.delete(name) ? 'deleted' : 'absent'),
    async *list(prefix) {
      for (const { name, bytes, ...about } of objects.values()) {
        if (name.startsWith(prefix)) yield { name, bytes: bytes.length, storedAt: 0, ...about };
      }
    },
  };
}

function partOf(
  objects: Objects,
  name: string,
  range: { readonly offset: number; readonly length: number } | undefined,
): Uint8Array | undefined {
  const bytes = objects.get(name)?.bytes;
  return range ? bytes?.subarray(range.offset, range.offset + range.length) : bytes;
}

/** The archiver lists nothing. */
async function* nothing(): AsyncGenerator<never> {}
