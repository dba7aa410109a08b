import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Storage } from '@google-cloud/storage';
import type { Bucket } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BoundProcess } from '../../scripts/emulators/bound-process.ts';
import { startStorageEmulator } from '../../scripts/emulators/storage-emulator.ts';
import { storageBlobs } from '../../functions/src/adapters/storage/blobs.ts';
import { storageCold } from '../../functions/src/adapters/storage/cold.ts';
import { ColdMismatch } from '../../functions/src/ports/cold-storage.ts';
import { coldStorageContract } from './cold-storage.contract.ts';

const INSTALL_MS = 5 * 60_000; // on first use the emulator's package is installed

let emulator: BoundProcess;
let storage: Storage;

beforeAll(async () => {
  emulator = await startStorageEmulator({});
  storage = new Storage({ apiEndpoint: `http://${emulator.host}`, projectId: 'demo-cold' });
}, INSTALL_MS);

afterAll(() => emulator.stop());

async function newBucket(): Promise<Bucket> {
  const [bucket] = await storage.createBucket(`cold-${randomUUID()}`);
  return bucket;
}

coldStorageContract({
  name: 'Cloud Storage',
  open: async () => ({ cold: storageCold(await newBucket()), close: async () => {} }),
});

describe('objects in a bucket', () => {
  test('carry schema and count as metadata, and no content encoding', async () => {
    const bucket = await newBucket();
    const bytes = Buffer.from('hello');
    const cold = storageCold(bucket);
    await cold.put({ name: 'a.gz', bytes, schema: 'agent-once/archive@1', operations: 1_000 });
    const [metadata] = await bucket.file('a.gz').getMetadata();
    expect(metadata).toMatchObject({
      contentType: 'application/gzip',
      metadata: { schema: 'agent-once/archive@1', operations: '1000' },
    });
    expect(metadata.contentEncoding ?? 'identity').not.toBe('gzip');
  });

  test('are copied from the bucket of blobs without passing through here, once', async () => {
    const [bucket, blobs] = await Promise.all([newBucket(), newBucket()]);
    const cold = storageCold(bucket, blobs);
    const object = { name: 'blobs/shop/1', schema: 'agent-once/payload@1', operations: 1 };
    expect(await cold.copyBlob!('shop/1', object)).toBe('absent');
    const bytes = Buffer.alloc(300_000, 'text');
    await storageBlobs(blobs).put('shop/1', bytes);
    expect(await cold.copyBlob!('shop/1', object)).toBe('written');
    expect(Buffer.from((await cold.read('blobs/shop/1'))!).equals(bytes)).toBe(true);
    const [metadata] = await bucket.file('blobs/shop/1').getMetadata();
    expect(metadata.metadata).toMatchObject({ schema: 'agent-once/payload@1', operations: '1' });
    expect(await cold.copyBlob!('shop/1', object)).toBe('standing');
  });

  test('are never copied over another content, and that is said', async () => {
    const [bucket, blobs] = await Promise.all([newBucket(), newBucket()]);
    const cold = storageCold(bucket, blobs);
    const object = { name: 'blobs/shop/1', schema: 'agent-once/payload@1', operations: 1 };
    await cold.put({ ...object, bytes: Buffer.from('other') });
    await storageBlobs(blobs).put('shop/1', Buffer.from('mine'));
    await expect(cold.copyBlob!('shop/1', object)).rejects.toBeInstanceOf(ColdMismatch);
    expect(Buffer.from((await cold.read('blobs/shop/1'))!).toString()).toBe('other');
  });

  test('that another copier was quicker with stand, and nothing is copied over them', async () => {
    // The emulator takes no precondition for a copy: this is what Cloud Storage answers.
    let looks = 0;
    const storage = await answering(({ method, url }) => {
      if (method === 'POST') return url?.includes('ifGenerationMatch=0') ? 412 : 500;
      if (url?.includes('/b/blobs/')) return { crc32c: 'AAAAAA==' };
      looks += 1;
      return looks === 1 ? 404 : { crc32c: 'AAAAAA==' };
    });
    const cold = storageCold(storage.bucket('archive'), storage.bucket('blobs'));
    const object = { name: 'blobs/shop/1', schema: 'agent-once/payload@1', operations: 1 };
    expect(await cold.copyBlob!('shop/1', object)).toBe('standing');
    await storage.close();
  });

  test('that are not there count as absent also for whoever may not delete', async () => {
    const storage = await answering(({ method }) => (method === 'DELETE' ? 403 : 404));
    expect(await storageCold(storage.bucket('archive')).delete('a.gz')).toBe('absent');
    await storage.close();
  });

  test('under a retention policy can not be deleted, and that is told apart from other refusals', async () => {
    // The emulator knows no retention policy: this is what Cloud Storage answers.
    const refused = await refusing({ retentionExpirationTime: '2099-01-01T00:00:00.000Z' });
    expect(await refused.cold.delete('a.gz')).toBe('locked');
    await refused.close();
    const forbidden = await refusing({});
    await expect(forbidden.cold.delete('a.gz')).rejects.toMatchObject({ code: 403 });
    await forbidden.close();
  });
});

/** A storage in which nothing may be deleted, and whose objects have this metadata. */
async function refusing(metadata: object) {
  const { bucket, close } = await answering(({ method }) => (method === 'DELETE' ? 403 : metadata));
  return { cold: storageCold(bucket('locked')), close };
}

/** A storage that answers each request so: with a status, or with metadata. */
async function answering(answer: (request: IncomingMessage) => number | object) {
  const server = createServer((request, response) => {
    const told = answer(request);
    const [status, body] =
      typeof told === 'number' ? [told, { error: { code: told, message: '' } }] : [200, told];
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const apiEndpoint = `http://127.0.0.1:${port}`;
  const away = new Storage({ apiEndpoint, projectId: 'demo-cold' });
  return {
    bucket: (name: string) => away.bucket(name),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
