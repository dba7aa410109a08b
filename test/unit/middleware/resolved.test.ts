import { afterEach, describe, expect, it } from 'vitest';
import { embeddedAuditLog } from '../../../functions/src/adapters/embedded/audit-log.ts';
import { parseNamespace } from '../../../functions/src/token/token.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';
import { cli } from '../cli/deployment.ts';
import { FRAMEWORKS, serveRoute } from './servers.ts';
import type { Served } from './servers.ts';

const open: Served[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((served) => served.close()));
});

describe.each(FRAMEWORKS)('an operation on %s that was in doubt', (framework) => {
  async function inDoubt() {
    let runs = 0;
    const served = await serveRoute(
      framework,
      () => ({ status: (runs += 1) === 1 ? 500 : 201, body: `run ${runs}` }),
      { effect: 'once' },
    );
    open.push(served);
    await served.post('/charges');
    const { body } = await served.post('/charges');
    const { token } = JSON.parse(body) as { token: string };
    const connection = {
      runtime: engineRuntime(served.store),
      namespace: parseNamespace('shop')!,
      deadLetters: () => Promise.reject(new Error('Nobody asked for them.')),
      auditLog: async () => embeddedAuditLog(':memory:'),
      shards: 16,
      close: async () => {},
    };
    const resolve = (...verdict: string[]) =>
      cli(
        async () => connection,
        ['resolve', token, ...verdict, '--actor', 'ann', '--reason', 'asked the bank'],
      );
    return { ...served, resolve, runs: () => runs };
  }

  it.each([
    ['{"status":201,"body":{"charge":"c1"}}', 201, '{"charge":"c1"}', 'application/json'],
    ['{"status":202,"headers":{"content-type":"text/plain"},"body":"c1"}', 202, 'c1', 'text/plain'],
    ['{"charge":"c1"}', 200, '{"charge":"c1"}', 'application/json'],
    ['{"status":"done"}', 200, '{"status":"done"}', 'application/json'],
    ['null', 200, 'null', 'application/json'],
  ])('answers what a person wrote down: %s', async (written, status, body, type) => {
    const { post, resolve, runs } = await inDoubt();
    expect(await resolve('--done', written)).toMatchObject({ code: 0, err: '' });
    const answer = await post('/charges');
    expect(answer).toMatchObject({ status, body });
    expect(answer.headers.get('content-type')).toBe(type);
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    expect(runs()).toBe(1);
  });

  it('is run again where a person says that it was not done', async () => {
    const { post, resolve, runs } = await inDoubt();
    expect(await resolve('--not-done')).toMatchObject({ code: 0, err: '' });
    expect(await post('/charges')).toMatchObject({ status: 201, body: 'run 2' });
    expect(runs()).toBe(2);
  });
});
