/*
 * A server that dies in the middle of its handler, after the provider has carried out the effect: the
 * arguments are the framework, the store's file, the provider's URL and the route's effect.
 */
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { serveRoute } from './servers.ts';
import type { Framework, RouteOptions } from './servers.ts';

const [framework, file, provider, effect] = process.argv.slice(2) as [
  Framework,
  string,
  string,
  'once' | 'idempotent',
];

const options: RouteOptions = {
  effect,
  leaseMs: 1_000,
  store: embeddedStore(file, systemClock),
};
const { url } = await serveRoute(
  framework,
  async ({ idempotency }) => {
    await fetch(provider, { method: 'POST', body: idempotency?.idempotencyKey ?? '' });
    process.kill(process.pid, 'SIGKILL');
    return {};
  },
  options,
);
process.stdout.write(`${url}\n`);
