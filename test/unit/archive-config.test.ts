import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compose } from '../../functions/src/compose.ts';
import { ConfigError, parseConfig } from '../../functions/src/config.ts';
import type { Environment } from '../../functions/src/config/settings.ts';

const CLOUD = {
  AGENT_ONCE_NAMESPACE: 'shop',
  GOOGLE_CLOUD_PROJECT: 'shop-1',
  AGENT_ONCE_TASK_TOPIC: 'tasks',
  AGENT_ONCE_DEAD_LETTER_TOPIC: 'tasks-dead-letter',
  AGENT_ONCE_BLOB_BUCKET: 'shop-1-payloads',
  FUNCTION_TIMEOUT_SECONDS: '540',
  AGENT_ONCE_ACK_DEADLINE_SECONDS: '600',
  AGENT_ONCE_PUSH_AUDIENCE: 'https://archive-shard-abc.a.run.app/',
  AGENT_ONCE_PUSH_SERVICE_ACCOUNT: 'pusher@shop-1.iam.gserviceaccount.com',
};
const ARCHIVE = {
  AGENT_ONCE_ARCHIVE_BUCKET: 'shop-1-archive',
  AGENT_ONCE_ARCHIVE_TOPIC: 'archive-shards',
};

function faultsOf(environment: Environment): string {
  try {
    parseConfig(environment);
    return '';
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.join('\n');
    throw error;
  }
}

test('with a bucket, archived operations can be read; with a topic too, the archiver is served', () => {
  expect(parseConfig(CLOUD).archive).toBeUndefined();
  const { AGENT_ONCE_ARCHIVE_BUCKET } = ARCHIVE;
  const reading = parseConfig({ ...CLOUD, AGENT_ONCE_ARCHIVE_BUCKET });
  expect(reading.backend).toMatchObject({ archiveBucket: 'shop-1-archive' });
  expect(reading.archive).toBeUndefined();
  const { archive } = parseConfig({ ...CLOUD, ...ARCHIVE });
  expect(archive).toEqual({ topic: 'archive-shards', budgetMs: 270_000 });
});

test('a topic needs a bucket, and the bucket is not the one of the blobs', () => {
  const { AGENT_ONCE_ARCHIVE_TOPIC } = ARCHIVE;
  expect(faultsOf({ ...CLOUD, AGENT_ONCE_ARCHIVE_TOPIC })).toMatch(
    /AGENT_ONCE_ARCHIVE_BUCKET is missing/,
  );
  const AGENT_ONCE_ARCHIVE_BUCKET = CLOUD.AGENT_ONCE_BLOB_BUCKET;
  expect(faultsOf({ ...CLOUD, AGENT_ONCE_ARCHIVE_BUCKET })).toMatch(
    /another bucket than AGENT_ONCE_BLOB_BUCKET/,
  );
  expect(faultsOf({ ...CLOUD, AGENT_ONCE_ARCHIVE_BUCKET: 'No Bucket' })).toMatch(
    /AGENT_ONCE_ARCHIVE_BUCKET is "No Bucket"/,
  );
});

test('an embedded store has its cold storage beside it, and blobs are read from there too', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'agent-once-'));
  const config = parseConfig({
    AGENT_ONCE_NAMESPACE: 'shop',
    AGENT_ONCE_STORE: `embedded:${join(folder, 'store.sqlite')}`,
    PUBSUB_EMULATOR_HOST: '127.0.0.1:1',
  });
  const { runtime, close } = await compose(config, { telemetry: { decision() {}, event() {} } });
  const bytes = Buffer.from('large');
  await runtime.cold?.put({ name: 'blobs/a/b', bytes, schema: 'test@1', operations: 1 });
  expect(Buffer.from((await runtime.blobs.get('a/b'))!).toString()).toBe('large');
  await runtime.blobs.put('a/b', Buffer.from('hot'));
  expect(Buffer.from((await runtime.blobs.get('a/b'))!).toString()).toBe('hot');
  expect(await runtime.blobs.get('a/c')).toBeUndefined();
  await close();
  await rm(folder, { recursive: true });
});
