import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';

import { Storage } from '@google-cloud/storage';
import type { Bucket } from '@google-cloud/storage';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import type { BoundProcess } from '../../scripts/emulators/bound-process.ts';
import { startStorageEmulator } from '../../scripts/emulators/storage-emulator.ts';

const INSTALL_MS = 5 * 60_000; // on first use the emulator's package is installed

let emulator: BoundProcess;
let storage: Storage;
let bucket: Bucket;

beforeAll(async () => {
  emulator = await startStorageEmulator({});
  storage = new Storage({ apiEndpoint: `http://${emulator.host}`, projectId: 'demo-storage' });
}, INSTALL_MS);

afterAll(async () => {
  await emulator.stop();
});

beforeEach(async () => {
  [bucket] = await storage.createBucket(`bucket-${randomUUID()}`);
});

const ABSENT = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };

async function statusOf(call: Promise<unknown>): Promise<number> {
  return call.then(
    () => 200,
    (error: { code: number }) => error.code,
  );
}

test('a bucket exists once it is created, and is not created twice', async () => {
  expect(await bucket.exists()).toEqual([true]);
  expect(await storage.bucket('never-made').exists()).toEqual([false]);
  expect(await statusOf(storage.createBucket(bucket.name))).toBe(409);
});

test('an object is read back whole, by range, and with its checksums', async () => {
  const file = bucket.file('2026/11/part 1.ndjson.gz');
  await file.save('hello world', { resumable: false, contentType: 'application/gzip' });

  expect((await file.download())[0].toString()).toBe('hello world');
  expect((await file.download({ start: 6, end: 8 }))[0].toString()).toBe('wor');
  const [metadata] = await file.getMetadata();
  expect(metadata).toMatchObject({
    name: '2026/11/part 1.ndjson.gz',
    size: '11',
    contentType: 'application/gzip',
    crc32c: 'yZRlqg==',
    md5Hash: 'XrY7u+Ae7tCTyyK7j1rNww==',
  });
});

test('a resumable upload arrives whole', async () => {
  const content = Buffer.alloc(600_000, 'abcdefg');
  await bucket.file('large').save(content, { resumable: true });
  expect((await bucket.file('large').download())[0].equals(content)).toBe(true);
});

test('an object is created only if absent where the caller asks for that', async () => {
  const file = bucket.file('batch');
  await file.save('first', ABSENT);

  expect(await statusOf(file.save('second', ABSENT))).toBe(412);
  expect(await statusOf(file.save('third', { ...ABSENT, resumable: true }))).toBe(412);

  expect((await file.download())[0].toString()).toBe('first');
});

test('of two uploads under way at once that ask for absence, one is stored', async () => {
  const slow = await startUpload('race', 'slow ');
  await bucket.exists(); // a round trip each: by now the server has looked at what was sent before
  const quick = await startUpload('race', 'quick ');
  quick.finish('upload');
  for (let trips = 0; trips < 5; trips += 1) await bucket.exists();
  slow.finish('upload');

  const statuses = [await slow.status, await quick.status];

  expect(new Set(statuses)).toEqual(new Set([200, 412]));
  const winner = statuses[0] === 200 ? 'slow upload' : 'quick upload';
  expect((await bucket.file('race').download())[0].toString()).toBe(winner);
});

interface Upload {
  readonly status: Promise<number | undefined>;
  finish(lastPart: string): void;
}

/** An upload that asks for absence, of which the head and a first part have been sent. */
async function startUpload(name: string, firstPart: string): Promise<Upload> {
  const query = `uploadType=media&name=${name}&ifGenerationMatch=0`;
  const upload = request(`http://${emulator.host}/upload/storage/v1/b/${bucket.name}/o?${query}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
  });
  const status = once(upload, 'response').then(([response]: IncomingMessage[]) => {
    response!.resume();
    return response!.statusCode;
  });
  await new Promise((sent) => {
    upload.write(firstPart, sent);
  });
  return { status, finish: (lastPart) => upload.end(lastPart) };
}

test('an object is deleted only in the generation that the caller names', async () => {
  const file = bucket.file('old');
  await file.save('content', { resumable: false });
  const generation = Number((await file.getMetadata())[0].generation);

  expect(await statusOf(file.delete({ ifGenerationMatch: generation - 1 }))).toBe(412);
  expect(await file.exists()).toEqual([true]);
  await file.delete({ ifGenerationMatch: generation });
  expect(await file.exists()).toEqual([false]);
});

test('metadata of an object can be changed, and objects listed by prefix', async () => {
  const save = async (name: string) => bucket.file(name).save(name, { resumable: false });
  await Promise.all([save('a/1'), save('a/2'), save('b/1')]);

  await bucket.file('a/1').setMetadata({ metadata: { operations: '1000' } });

  expect((await bucket.file('a/1').getMetadata())[0].metadata).toEqual({ operations: '1000' });
  const [files] = await bucket.getFiles({ prefix: 'a/' });
  expect(files.map((file) => file.name)).toEqual(['a/1', 'a/2']);
});

test('an object that is not there is not found', async () => {
  expect(await statusOf(bucket.file('none').download())).toBe(404);
});
