import { systemClock } from 'agent-once';
import { embeddedStore } from 'agent-once/embedded';
import { fetchOnce } from 'agent-once/fetch';
import { idempotency } from 'agent-once/middleware/hono';
import { Hono } from 'hono';

/** `provider` is the URL of whoever moves the money. */
export const charges = (provider: string, file: string) =>
  new Hono<{ Variables: { user: string } }>()
    .use(async (c, next) => {
      c.set('user', 'ann'); // here your own authentication
      await next();
    })
    .post(
      '/charges',
      idempotency({
        store: embeddedStore(file, systemClock),
        namespace: 'shop',
        action: 'payments.charge',
        effect: 'idempotent', // the provider honours the key that it is given
        retention: 'financial',
        caller: (c) => c.get('user') as string,
      }),
      async (c) => {
        const call = fetchOnce(c.var.idempotency);
        const charged = await call(provider, { method: 'POST', body: await c.req.text() });
        return c.json({ charge: await charged.text() }, charged.ok ? 201 : 502);
      },
    );
