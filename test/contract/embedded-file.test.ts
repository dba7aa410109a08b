import { fork } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { embeddedDocuments } from '../../functions/src/adapters/embedded/documents.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';
import { RECORDS } from '../support/operation-records.ts';
import { scratchFolder } from '../support/scratch-folder.ts';
import { settableClock } from '../support/settable-clock.ts';
import { tokenStoreContract } from './token-store.contract.ts';

/** As far as forgetting looks. */
const WORKFLOW = { schema: 1, root: 'r1', status: 'completed', shard: 0 } as object;

const CLAIM_FROM_PROCESS = new URL('../support/claim-from-process.ts', import.meta.url);

tokenStoreContract({
  name: 'embedded, on a file',
  async open() {
    const folder = await scratchFolder();
    const clock = settableClock();
    const documents = embeddedDocuments(join(folder, 'store.db'), clock);
    return {
      documents,
      advance: async (ms) => clock.advance(ms),
      async close() {
        await documents.close();
        await rm(folder, { recursive: true });
      },
    };
  },
});

test('a stub and an ended workflow are forgotten once their time is over, when archiving looks', async () => {
  const clock = settableClock();
  const documents = embeddedDocuments(':memory:', clock);
  const forgetAt = clock.now() + 60_000;
  const { archived } = RECORDS;
  const ended = { ...(WORKFLOW as WorkflowRecord), forgetAt };
  await documents.create('stub', { ...archived, forgetAt });
  await documents.create('hot', RECORDS.completed);
  await documents.commit([
    { kind: 'create', of: 'workflows', id: 'ended', record: ended },
    { kind: 'create', of: 'workflows', id: 'running', record: WORKFLOW as WorkflowRecord },
  ]);
  const standing = async () => {
    await documents.select({ by: 'expired', shard: 0, before: 0 }, { limit: 1 });
    const operations = await documents.read(['stub', 'hot']);
    const workflows = await Promise.all(['ended', 'running'].map(documents.readWorkflow));
    return [...operations.found, ...workflows.map(({ found }) => found)].map(Boolean);
  };
  expect(await standing()).toEqual([true, true, true, true]);
  clock.advance(60_000);
  expect(await standing()).toEqual([false, true, false, true]);
  await documents.close();
});

test('processes share a file: one winner for each token', async () => {
  const folder = await scratchFolder();
  const path = join(folder, 'store.db');
  const processes = await Promise.all(
    ['a', 'b', 'c', 'd'].map(async (name) => {
      const claimant = fork(CLAIM_FROM_PROCESS, [path, name, '50'], { execArgv: [] });
      await once(claimant, 'message');
      return claimant;
    }),
  );
  const won = processes.map(async (claimant): Promise<number[]> => {
    const told = once(claimant, 'message');
    const exited = once(claimant, 'exit');
    claimant.send('go');
    const [numbers] = await told;
    claimant.disconnect();
    await exited;
    return numbers;
  });
  const numbers = (await Promise.all(won)).flat();
  expect(numbers.toSorted((a, b) => a - b)).toEqual([...Array(50).keys()]);
  await rm(folder, { recursive: true });
});
