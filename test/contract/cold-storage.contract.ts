import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ColdMismatch } from '../../functions/src/ports/cold-storage.ts';
import type { ColdEntry, ColdObject, ColdStorage } from '../../functions/src/ports/cold-storage.ts';

/** A place for objects, empty. */
export interface OpenCold {
  readonly cold: ColdStorage;
  readonly close: () => Promise<void>;
}

export interface ColdBackend {
  readonly name: string;
  open(): Promise<OpenCold>;
}

const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

function object(name: string, bytes: Uint8Array = EVERY_BYTE): ColdObject {
  return { name, bytes, schema: 'test@1', operations: 3 };
}

async function listed(entries: AsyncIterable<ColdEntry>): Promise<ColdEntry[]> {
  const all: ColdEntry[] = [];
  for await (const entry of entries) all.push(entry);
  return all;
}

/** What every cold storage promises. */
export function coldStorageContract(backend: ColdBackend): void {
  let open: OpenCold;

  beforeEach(async () => {
    open = await backend.open();
  });
  afterEach(() => open.close());

  describe(`cold storage: ${backend.name}`, () => {
    test('gives back the bytes that it was given', async () => {
      expect(await open.cold.put(object('a/1.gz'))).toBe('written');
      expect(Uint8Array.from((await open.cold.read('a/1.gz'))!)).toEqual(EVERY_BYTE);
    });

    test('takes a view into a larger buffer for what it shows', async () => {
      await open.cold.put(object('a/1.gz', EVERY_BYTE.subarray(100, 103)));
      expect([...(await open.cold.read('a/1.gz'))!]).toEqual([100, 101, 102]);
    });

    test.each([
      { offset: 0, length: 1, found: [0] },
      { offset: 250, length: 6, found: [250, 251, 252, 253, 254, 255] },
      { offset: 254, length: 10, found: [254, 255] },
    ])('reads $length bytes from $offset', async ({ offset, length, found }) => {
      await open.cold.put(object('a/1.gz'));
      expect([...(await open.cold.read('a/1.gz', { offset, length }))!]).toEqual(found);
    });

    test('has nothing under a name that was never put', async () => {
      await open.cold.put(object('a/1.gz'));
      expect(await open.cold.read('a/2.gz')).toBeUndefined();
      expect(await open.cold.read('a/2.gz', { offset: 0, length: 4 })).toBeUndefined();
    });

    test('takes the same object again for what it is: there already', async () => {
      await open.cold.put(object('a/1.gz'));
      expect(await open.cold.put(object('a/1.gz'))).toBe('standing');
    });

    test('of ten that write the same at once, one writes it and none fails', async () => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, () => open.cold.put(object('a/1.gz'))),
      );
      expect(answers.toSorted()).toEqual([...Array(9).fill('standing'), 'written']);
      expect(Uint8Array.from((await open.cold.read('a/1.gz'))!)).toEqual(EVERY_BYTE);
    });

    test('never writes over another content, and says so', async () => {
      await open.cold.put(object('a/1.gz'));
      const other = open.cold.put(object('a/1.gz', EVERY_BYTE.toReversed()));
      await expect(other).rejects.toBeInstanceOf(ColdMismatch);
      expect(Uint8Array.from((await open.cold.read('a/1.gz'))!)).toEqual(EVERY_BYTE);
    });

    test('lists what is below a prefix in the order of names, with schema and count', async () => {
      const before = Date.now();
      for (const name of ['b/1.gz', 'a/2.gz', 'a/1.gz']) await open.cold.put(object(name));
      const entries = await listed(open.cold.list('a/'));
      expect(entries.map(({ name }) => name)).toEqual(['a/1.gz', 'a/2.gz']);
      for (const { storedAt, ...entry } of entries) {
        expect(entry).toMatchObject({ bytes: 256, schema: 'test@1', operations: 3 });
        expect(storedAt).toBeGreaterThan(before - 5_000);
        expect(storedAt).toBeLessThan(Date.now() + 5_000);
      }
    });

    test('lists nothing where nothing was put', async () => {
      expect(await listed(open.cold.list('a/'))).toEqual([]);
    });

    test('deletes an object, once', async () => {
      await open.cold.put(object('a/1.gz'));
      expect(await open.cold.delete('a/1.gz')).toBe('deleted');
      expect(await open.cold.delete('a/1.gz')).toBe('absent');
      expect(await open.cold.read('a/1.gz')).toBeUndefined();
      expect(await listed(open.cold.list(''))).toEqual([]);
      expect(await open.cold.put(object('a/1.gz'))).toBe('written');
    });
  });
}
