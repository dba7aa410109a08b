import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { embeddedStore } from '../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { INLINE_LIMIT_BYTES, unpackValue } from '../../functions/src/engine/payload.ts';
import { registerSteps } from '../../functions/src/engine/register-steps.ts';
import { runTask } from '../../functions/src/engine/run-task.ts';
import { defineStep } from '../../functions/src/engine/step.ts';
import type { StoredValue } from '../../functions/src/operation/record.ts';
import type { BlobStore } from '../../functions/src/ports/blob-store.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { deliver, engineRuntime } from '../support/engine-runtime.ts';

/** A place for blobs, empty. */
export interface OpenBlobs {
  readonly blobs: BlobStore;
  readonly close: () => Promise<void>;
}

export interface BlobBackend {
  readonly name: string;
  open(): Promise<OpenBlobs>;
}

const NAME = 'sha256/2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const EVERY_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => byte);

const LARGE = 'ü'.repeat(INLINE_LIMIT_BYTES);

const report = defineStep({
  action: 'test.report',
  effect: 'idempotent',
  params: z.object({}),
  run: () => LARGE,
});
const STEPS = registerSteps([report]);

/** What every blob store promises, and that results too large for a record are at home in it. */
export function blobStoreContract(backend: BlobBackend): void {
  let open: OpenBlobs;
  let store: TokenStore;

  beforeEach(async () => {
    open = await backend.open();
    store = embeddedStore(':memory:', systemClock);
  });

  afterEach(async () => {
    await store.close();
    await open.close();
  });

  describe(`blob store: ${backend.name}`, () => {
    test('gives back the bytes that it was given', async () => {
      await open.blobs.put(NAME, EVERY_BYTE);
      expect(Uint8Array.from((await open.blobs.get(NAME))!)).toEqual(EVERY_BYTE);
    });

    test('has nothing under a name that was never put', async () => {
      await open.blobs.put(NAME, EVERY_BYTE);
      expect(await open.blobs.get(`${NAME}0`)).toBeUndefined();
    });

    test('keeps an empty blob apart from none', async () => {
      await open.blobs.put(NAME, new Uint8Array());
      expect(await open.blobs.get(NAME)).toHaveLength(0);
    });

    test('takes a view into a larger buffer for what it shows', async () => {
      await open.blobs.put(NAME, EVERY_BYTE.subarray(100, 103));
      expect([...(await open.blobs.get(NAME))!]).toEqual([100, 101, 102]);
    });

    test('takes the same blob twice, one after the other and at once', async () => {
      await open.blobs.put(NAME, EVERY_BYTE);
      await Promise.all(Array.from({ length: 10 }, () => open.blobs.put(NAME, EVERY_BYTE)));
      expect(Uint8Array.from((await open.blobs.get(NAME))!)).toEqual(EVERY_BYTE);
    });

    test('deletes a blob, and takes one that is not there for deleted', async () => {
      await open.blobs.put(NAME, EVERY_BYTE);
      await open.blobs.delete(NAME);
      await open.blobs.delete(NAME);
      expect(await open.blobs.get(NAME)).toBeUndefined();
      await open.blobs.put(NAME, EVERY_BYTE);
      expect(await open.blobs.get(NAME)).toHaveLength(256);
    });

    test('deletes all that is below a folder, and nothing beside it', async () => {
      const inside = ['order-1/a', 'order-1/task/b', 'order-1/task/c'];
      const beside = ['beside/order-1', 'an/order-1/a'];
      for (const name of [...inside, 'order-10/a', ...beside]) {
        await open.blobs.put(name, EVERY_BYTE);
      }
      await open.blobs.deleteUnder('order-1/');
      await open.blobs.deleteUnder('order-1/');
      await open.blobs.deleteUnder('never/');
      for (const name of inside) expect(await open.blobs.get(name)).toBeUndefined();
      for (const name of ['order-10/a', ...beside]) {
        expect(await open.blobs.get(name)).toHaveLength(256);
      }
      await open.blobs.put('order-1/a', EVERY_BYTE);
      expect(await open.blobs.get('order-1/a')).toHaveLength(256);
    });

    test.each(['', 'order-1'])('takes %j for no folder, and deletes nothing', async (name) => {
      await open.blobs.put('order-1/a', EVERY_BYTE);
      await expect(open.blobs.deleteUnder(name)).rejects.toThrow(RangeError);
      expect(await open.blobs.get('order-1/a')).toHaveLength(256);
    });

    test('holds eight megabytes', async () => {
      const large = Buffer.alloc(8 * 1024 * 1024, EVERY_BYTE);
      await open.blobs.put(NAME, large);
      expect(large.equals((await open.blobs.get(NAME))!)).toBe(true);
    });
  });

  describe(`a large result, with blobs in ${backend.name}`, () => {
    /** Runs the report at an instance of its own; each call is another delivery of the one task. */
    async function run(blobs: BlobStore, over: TokenStore = store) {
      return runTask(engineRuntime(over, { blobs }), STEPS, deliver(report.task({}), Date.now()));
    }

    test('is durable before it is recorded, and the record only points to it', async () => {
      const seen: string[] = [];
      const recorded: StoredValue[] = [];
      const watchedBlobs: BlobStore = {
        ...open.blobs,
        async put(name, bytes) {
          seen.push('put');
          await open.blobs.put(name, bytes);
          seen.push('durable');
        },
      };
      const watchedStore: TokenStore = {
        ...store,
        async complete(claim, completion, ...rest) {
          seen.push('record');
          recorded.push(completion.result);
          expect(await unpackValue(completion.result, open.blobs)).toBe(LARGE);
          return store.complete(claim, completion, ...rest);
        },
      };
      expect(await run(watchedBlobs, watchedStore)).toMatchObject({ kind: 'completed' });
      expect(seen).toEqual(['put', 'durable', 'record']);
      expect(recorded).toEqual([
        { kind: 'blob', name: expect.any(String), bytes: 2 * INLINE_LIMIT_BYTES + 2 },
      ]);
    });

    test('is replayed whole by another instance', async () => {
      await run(open.blobs);
      const again = await run(open.blobs);
      expect(again).toMatchObject({ kind: 'replayed', answer: { kind: 'result' } });
      if (again.kind !== 'replayed' || again.answer.kind !== 'result') return;
      expect(await unpackValue(again.answer.stored, open.blobs)).toBe(LARGE);
    });

    test('is not recorded as done while it can not be kept', async () => {
      const full: BlobStore = {
        ...open.blobs,
        put: async () => {
          throw new Error('disk full');
        },
      };
      const outcome = await run(full);
      expect(outcome).toMatchObject({ kind: 'retryable_error', error: { message: 'disk full' } });
      const { task, namespace } = deliver(report.task({}), Date.now());
      const found = await store.get(namespace, task.token);
      expect(found?.record.status).not.toBe('completed');
    });

    test('whose blob is lost is told as gone, and not run again', async () => {
      const outcome = await run(open.blobs);
      expect(outcome.kind).toBe('completed');
      const empty: BlobStore = { ...open.blobs, get: async () => undefined };
      const again = await run(empty);
      expect(again).toMatchObject({ kind: 'replayed', answer: { stored: { kind: 'blob' } } });
      if (again.kind !== 'replayed' || again.answer.kind !== 'result') return;
      await expect(unpackValue(again.answer.stored, empty)).rejects.toMatchObject({
        name: 'PayloadGone',
      });
    });
  });
}
