import { randomUUID } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import type { Bucket } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BoundProcess } from '../../scripts/emulators/bound-process.ts';
import { startStorageEmulator } from '../../scripts/emulators/storage-emulator.ts';
import { storageBlobs } from '../../functions/src/adapters/storage/blobs.ts';
import { blobStoreContract } from './blob-store.contract.ts';

const INSTALL_MS = 5 * 60_000; // on first use the emulator's package is installed

let emulator: BoundProcess;
let storage: Storage;

beforeAll(async () => {
  emulator = await startStorageEmulator({});
  storage = new Storage({ apiEndpoint: `http://${emulator.host}`, projectId: 'demo-blobs' });
}, INSTALL_MS);

afterAll(() => emulator.stop());

async function newBucket(): Promise<Bucket> {
  const [bucket] = await storage.createBucket(`blobs-${randomUUID()}`);
  return bucket;
}

blobStoreContract({
  name: 'Cloud Storage',
  open: async () => ({ blobs: storageBlobs(await newBucket()), close: async () => {} }),
});

describe('blobs as objects', () => {
  test('the same blob twice is written once', async () => {
    const bucket = await newBucket();
    const blobs = storageBlobs(bucket);
    await blobs.put('sha256/a', Buffer.from('hello'));
    const [first] = await bucket.file('sha256/a').getMetadata();
    await blobs.put('sha256/a', Buffer.from('hello'));
    const [second] = await bucket.file('sha256/a').getMetadata();
    expect(second.generation).toBe(first.generation);
  });
});
