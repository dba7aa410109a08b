import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { firestoreAuditLog } from '../../functions/src/adapters/firestore/audit-log.ts';
import { firestoreStore } from '../../functions/src/adapters/firestore/store.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { connect } from '../../functions/src/cli/connect.ts';
import { keyToken } from '../../functions/src/token/token.ts';
import type { Namespace } from '../../functions/src/token/token.ts';
import { claimRequest } from '../support/operation-records.ts';
import { sharedConnection } from '../support/firestore.ts';
import { cli } from '../unit/cli/deployment.ts';

const connection = sharedConnection();

test('the command line on Firestore writes to the audit log that the service reads', async () => {
  const project = 'demo-contract';
  const store = firestoreStore(connection(), systemClock, { shards: 1 });
  const madeAt = Math.floor(store.now());
  const request = claimRequest({ token: keyToken('shop' as Namespace, randomUUID()), madeAt });
  const answer = await store.claim(request);
  if (answer.kind !== 'claimed') throw new Error(`Not claimed: ${answer.kind}`);
  await store.complete(answer.claim, { result: { kind: 'inline', text: '1' } });

  const { namespace, token } = answer.claim;
  const env = {
    AGENT_ONCE_STORE: 'firestore',
    GOOGLE_CLOUD_PROJECT: project,
    AGENT_ONCE_NAMESPACE: namespace,
    FIRESTORE_EMULATOR_HOST: inject('firestoreHost'),
    METADATA_SERVER_DETECTION: 'none',
  };
  const { code, err } = await cli(
    connect,
    ['hold', token, '--actor', 'ann', '--reason', 'audit 7'],
    { env },
  );
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const audit = firestoreAuditLog(connection().firestore);
  const { entries } = await audit.read(namespace, token, { limit: 10 });
  expect(entries).toMatchObject([
    { verb: 'hold', actor: 'ann', reason: 'audit 7', phase: 'intended' },
    { verb: 'hold', actor: 'ann', reason: 'audit 7', phase: 'done' },
  ]);
});
