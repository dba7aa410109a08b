import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Storage } from '@google-cloud/storage';
import type { Bucket } from '@google-cloud/storage';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BoundProcess } from '../../scripts/emulators/bound-process.ts';
import { startStorageEmulator } from '../../scripts/emulators/storage-emulator.ts';
import { storageCold } from '../../functions/src/adapters/storage/cold.ts';
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
  const server = createServer((request, response) => {
    const status = request.method === 'DELETE' ? 403 : 200;
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? metadata : { error: { code: 403, message: '' } }));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const apiEndpoint = `http://127.0.0.1:${port}`;
  const bucket = new Storage({ apiEndpoint, projectId: 'demo-cold' }).bucket('locked');
  return {
    cold: storageCold(bucket),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
