import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { Balance } from './balance.ts';
import { calls, statusRoutes } from './calls.ts';
import { agentSchema, kindSchema, orderIdSchema, stockSchema } from './contract.ts';
import type { FaultPlan } from './fault-plan.ts';
import { covers, faultSchema } from './fault.ts';
import { failure, invalid, readJson } from './http.ts';
import type { Reply } from './http.ts';
import { inputFaults } from './input-faults.ts';
import type { Ledger } from './ledger.ts';

interface Admin {
  ledger: Ledger;
  balance: () => Balance;
  faults: FaultPlan;
}

type Handle = (admin: Admin, input: unknown) => Reply;

const routes = [...calls.keys(), ...statusRoutes.keys()];
/** A fault aimed at no route would never hit; below a status route lie its tracking ids. */
const aimedFaultSchema = faultSchema.superRefine((fault, context) => {
  if (fault.fault === 'down' || fault.path === undefined) return;
  const path = fault.path;
  if (routes.some((route) => covers(path, route))) return;
  if ([...statusRoutes.keys()].some((route) => covers(route, path))) return;
  context.addIssue({
    code: 'custom',
    path: ['path'],
    message: `is not one of ${routes.join(', ')}`,
  });
});
const filterSchema = z.strictObject({
  order: orderIdSchema.optional(),
  agent: agentSchema.optional(),
  kind: kindSchema.optional(),
});

const handlers: ReadonlyMap<string, Handle> = new Map([
  ['GET /admin/ledger', ({ ledger }) => ok({ effects: ledger.effects() })],
  [
    'GET /admin/effects',
    taking(filterSchema, ({ ledger }, filter) => ok({ effects: ledger.effects(filter) })),
  ],
  ['GET /admin/balance', ({ balance }) => ok(balance())],
  [
    'POST /admin/stock',
    taking(stockSchema, ({ ledger }, { sku, quantity }) => ok(ledger.seed(sku, quantity))),
  ],
  ['GET /admin/faults', ({ faults }) => ok({ faults: faults.pending(), held: faults.held() })],
  [
    'POST /admin/faults',
    taking(aimedFaultSchema, ({ faults }, fault) => {
      faults.add(fault);
      return { status: 201, body: fault };
    }),
  ],
  [
    'DELETE /admin/faults',
    ({ faults }) => {
      faults.clear();
      return ok({ faults: [] });
    },
  ],
  [
    'POST /admin/release',
    taking(z.strictObject({ match: orderIdSchema.optional() }), ({ faults }, { match }) =>
      ok({ released: faults.release(match) }),
    ),
  ],
]);

/** What a test or demo sets up and reads off; no fault hits these routes. */
export async function answerAdmin(
  admin: Admin,
  request: IncomingMessage,
  url: URL,
): Promise<Reply> {
  const handle = handlers.get(`${request.method} ${url.pathname}`);
  if (!handle) return failure(404, 'not_found', `there is no ${request.method} ${url.pathname}`);
  if (request.method !== 'POST') return handle(admin, Object.fromEntries(url.searchParams));
  const sent = await readJson(request);
  return sent.ok ? handle(admin, sent.value) : sent.reply;
}

function taking<T>(schema: z.ZodType<T>, handle: (admin: Admin, input: T) => Reply): Handle {
  return (admin, input) => {
    const parsed = schema.safeParse(input);
    return parsed.success ? handle(admin, parsed.data) : invalid(inputFaults(parsed.error));
  };
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}
