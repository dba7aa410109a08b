import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createSandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import type { SandboxAdmin } from '../../functions/agents/sandbox/admin-client.ts';
import {
  createSandbox,
  SandboxFailure,
  SandboxRefusal,
} from '../../functions/agents/sandbox/client.ts';
import type { Accepted, Sandbox } from '../../functions/agents/sandbox/client.ts';
import type { SandboxEvent } from '../../functions/agents/sandbox/events.ts';
import type { FaultRequest } from '../../functions/agents/sandbox/fault.ts';
import { startSandbox } from '../../functions/agents/sandbox/start.ts';
import type { RunningSandbox } from '../../functions/agents/sandbox/start.ts';

const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
const ledger = join(folder, 'shared', 'ledger.db');
const card = '4242';
const address = '1 Main Street';
let running: RunningSandbox;
let sandbox: Sandbox;
let admin: SandboxAdmin;
let events: SandboxEvent[] = [];

beforeAll(async () => {
  running = await startSandbox({ ledger });
  sandbox = createSandbox(running.url);
  admin = createSandboxAdmin(running.url);
  running.events.on('event', (event) => events.push(event));
});
afterEach(async () => {
  events = [];
  await admin.clearFaults();
});
afterAll(async () => {
  await running.stop();
  rmSync(folder, { recursive: true });
});

const kindsOf = async (order: string): Promise<string[]> =>
  (await admin.effects({ order })).map(({ kind }) => kind);
const balanceOf = async (order: string) =>
  (await admin.balance()).orders.find(({ orderId }) => orderId === order);
const stockOf = async (name: string) =>
  (await admin.balance()).stock.find(({ sku }) => sku === name);
const about = (orderId: string, event: SandboxEvent['event']) =>
  running.next((seen) => seen.orderId === orderId && seen.event === event);
const post = (path: string, body: string, headers: Record<string, string> = {}) =>
  fetch(new URL(path, running.url), { method: 'POST', headers, body });

function rowsIn(file: string): unknown[] {
  const db = new DatabaseSync(file, { readOnly: true });
  try {
    return db.prepare('SELECT kind, order_id FROM effects ORDER BY seq').all();
  } finally {
    db.close();
  }
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (reason: unknown) => reason,
  );

async function refusalOf(call: Promise<unknown>): Promise<SandboxRefusal> {
  const error = await failureOf(call);
  if (error instanceof SandboxRefusal) return error;
  throw new Error('The call was not refused.', { cause: error });
}

describe('an order', () => {
  it('leaves one effect a call, and taking each back brings every total to where it was', async () => {
    await admin.stock('tea', 10);
    const orderId = 'whole';
    const reserved = await sandbox.reserve({ orderId, sku: 'tea', quantity: 3 });
    const charged = await sandbox.charge({ orderId, amountCents: 1250, card });
    const shipped = await sandbox.ship({ orderId, address });
    expect(await stockOf('tea')).toMatchObject({ seeded: 10, reserved: 3, available: 7 });
    expect(await balanceOf(orderId)).toEqual({
      orderId,
      effects: { reserve: 1, charge: 1, ship: 1 },
      unitsHeld: 3,
      shipments: 1,
      cents: { charged: 1250, refunded: 0, kept: 1250 },
    });

    await sandbox.cancel({ orderId, shipmentId: shipped.effect.id });
    await sandbox.refund({ orderId, chargeId: charged.effect.id, amountCents: 1250 });
    const reservationId = reserved.effect.id;
    await sandbox.release({ orderId, reservationId, quantity: 3 });
    expect(await stockOf('tea')).toMatchObject({ released: 3, available: 10 });
    expect(await balanceOf(orderId)).toMatchObject({
      unitsHeld: 0,
      shipments: 0,
      cents: { kept: 0 },
    });
  });

  it('is refused what the rules forbid, and nothing of that is in the ledger', async () => {
    await admin.stock('rare', 1);
    const orderId = 'refused';
    const refusals = await Promise.all(
      [
        sandbox.reserve({ orderId, sku: 'rare', quantity: 2 }),
        sandbox.charge({ orderId, amountCents: 100, card: 'declined' }),
        sandbox.ship({ orderId, address: 'undeliverable' }),
        sandbox.refund({ orderId, chargeId: 'charge-999999', amountCents: 1 }),
        sandbox.release({ orderId, reservationId: 'nonsense', quantity: 1 }),
        sandbox.cancel({ orderId, shipmentId: 'ship-999999' }),
      ].map(refusalOf),
    );
    expect(refusals.map(({ status, code }) => [status, code])).toEqual([
      [409, 'out_of_stock'],
      [402, 'card_declined'],
      [422, 'undeliverable'],
      [404, 'unknown_charge'],
      [404, 'unknown_reservation'],
      [404, 'unknown_shipment'],
    ]);
    expect(await kindsOf(orderId)).toEqual([]);
    expect(await stockOf('rare')).toMatchObject({ available: 1 });
  });

  it('gets back no more than it gave, and nothing of another order', async () => {
    await admin.stock('mugs', 5);
    const orderId = 'greedy';
    const { effect: charge } = await sandbox.charge({ orderId, amountCents: 500, card });
    const { effect: reservation } = await sandbox.reserve({ orderId, sku: 'mugs', quantity: 2 });
    const { effect: shipment } = await sandbox.ship({ orderId, address });
    await sandbox.refund({ orderId, chargeId: charge.id, amountCents: 300 });
    await sandbox.release({ orderId, reservationId: reservation.id, quantity: 2 });
    await sandbox.cancel({ orderId, shipmentId: shipment.id });
    const codes = await Promise.all(
      [
        sandbox.refund({ orderId, chargeId: charge.id, amountCents: 201 }),
        sandbox.release({ orderId, reservationId: reservation.id, quantity: 1 }),
        sandbox.cancel({ orderId, shipmentId: shipment.id }),
        sandbox.refund({ orderId: 'thief', chargeId: charge.id, amountCents: 1 }),
      ].map(async (call) => (await refusalOf(call)).code),
    );
    expect(codes).toEqual([
      'refund_exceeds_charge',
      'release_exceeds_reservation',
      'already_cancelled',
      'unknown_charge',
    ]);
    expect(await balanceOf(orderId)).toMatchObject({ cents: { kept: 200 }, unitsHeld: 0 });
  });

  it('never gets more than is in stock, however many ask at once', async () => {
    await admin.stock('few', 5);
    const calls = Array.from({ length: 12 }, (_, nth) =>
      sandbox.reserve({ orderId: `crowd-${nth}`, sku: 'few', quantity: 1 }),
    );
    const settled = await Promise.allSettled(calls);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(5);
    expect(await stockOf('few')).toMatchObject({ reserved: 5, available: 0 });
  });
});

describe('a second sending', () => {
  it('of a charge with the same key and body gets the first answer, marked as replayed', async () => {
    const body = { orderId: 'keyed', amountCents: 700, card };
    const first = await sandbox.charge(body, { idempotencyKey: 'key-1' });
    const reordered = { card, amountCents: 700, orderId: 'keyed' };
    const second = await sandbox.charge(reordered, { idempotencyKey: 'key-1' });
    expect(first.replayed).toBe(false);
    expect(second).toEqual({ effect: first.effect, replayed: true });
    expect(await kindsOf('keyed')).toEqual(['charge']);
  });

  it('of a key with another body or to another route is refused', async () => {
    const orderId = 'reused';
    const { effect } = await sandbox.charge(
      { orderId, amountCents: 700, card },
      { idempotencyKey: 'key-2' },
    );
    const others = [
      sandbox.charge({ orderId, amountCents: 701, card }, { idempotencyKey: 'key-2' }),
      sandbox.refund({ orderId, chargeId: effect.id, amountCents: 1 }, { idempotencyKey: 'key-2' }),
    ];
    for (const refusal of await Promise.all(others.map(refusalOf))) {
      expect(refusal).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    }
    expect(await kindsOf(orderId)).toEqual(['charge']);
  });

  it('of one key by twenty callers at once makes one charge', async () => {
    const body = { orderId: 'race', amountCents: 100, card };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => sandbox.charge(body, { idempotencyKey: 'key-3' })),
    );
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect(await kindsOf('race')).toEqual(['charge']);
  });

  it('of a tracking id is refused with the effect that it made, which status tells too', async () => {
    await admin.stock('cups', 5);
    const body = { orderId: 'tracked', sku: 'cups', quantity: 1 };
    const trackingId = 'track/1 ä';
    expect(await sandbox.inventoryStatus(trackingId)).toEqual({ state: 'absent' });
    const { effect } = await sandbox.reserve(body, { trackingId });
    const refusal = await refusalOf(sandbox.reserve(body, { trackingId }));
    expect(refusal).toMatchObject({ status: 409, code: 'tracking_id_used', effect });
    expect(await sandbox.inventoryStatus(trackingId)).toEqual({ state: 'committed', effect });
    expect(await kindsOf('tracked')).toEqual(['reserve']);
  });

  it('without a key or tracking id, or where none is honoured, is a second effect', async () => {
    await admin.stock('pots', 5);
    const orderId = 'twice';
    const headers = { 'Idempotency-Key': 'ignored' };
    for (let nth = 0; nth < 2; nth++) {
      await sandbox.reserve({ orderId, sku: 'pots', quantity: 1 });
      await sandbox.charge({ orderId, amountCents: 1, card });
      const body = JSON.stringify({ orderId, address });
      expect((await post('/shipping/ship', body, headers)).status).toBe(201);
    }
    const effects = { reserve: 2, charge: 2, ship: 2 };
    expect(await balanceOf(orderId)).toMatchObject({ effects });
    const ships = await admin.effects({ order: orderId, kind: 'ship' });
    expect(ships.map((effect) => effect.idempotencyKey)).toEqual(['ignored', 'ignored']);
  });

  it('to a generic route is told apart by what that route honours', async () => {
    const body = { orderId: 'generic', amountCents: 5, note: { any: ['json'] } };
    await sandbox.plain(body);
    await sandbox.plain(body);
    await sandbox.keyed(body, { idempotencyKey: 'key-4' });
    expect(await sandbox.keyed(body, { idempotencyKey: 'key-4' })).toMatchObject({
      replayed: true,
    });
    const changed = { ...body, note: { any: ['other'] } };
    const keyed = sandbox.keyed(changed, { idempotencyKey: 'key-4' });
    expect(await refusalOf(keyed)).toMatchObject({ code: 'idempotency_key_reused' });
    const { effect } = await sandbox.tracked(body, { trackingId: 'track-4' });
    const tracked = sandbox.tracked(body, { trackingId: 'track-4' });
    expect(await refusalOf(tracked)).toMatchObject({ code: 'tracking_id_used', effect });
    expect(await sandbox.trackedStatus('track-4')).toEqual({ state: 'committed', effect });
    expect(await sandbox.trackedStatus('track-5')).toEqual({ state: 'absent' });
    expect(await kindsOf('generic')).toEqual(['plain', 'plain', 'keyed', 'tracked']);
  });
});

describe('a fault', () => {
  const charge = (orderId: string, signal?: AbortSignal): Promise<Accepted> =>
    sandbox.charge({ orderId, amountCents: 1, card }, { signal, idempotencyKey: orderId });

  it.each<{ fault: FaultRequest; error: object; effects: number }>([
    { fault: { fault: 'answer_lost' }, error: { name: 'TypeError' }, effects: 1 },
    { fault: { fault: 'request_lost' }, error: { name: 'TypeError' }, effects: 0 },
    { fault: { fault: 'error' }, error: { name: 'SandboxFailure', status: 500 }, effects: 0 },
    { fault: { fault: 'error', status: 502 }, error: { status: 502 }, effects: 0 },
    { fault: { fault: 'error_after', status: 504 }, error: { status: 504 }, effects: 1 },
    { fault: { fault: 'down' }, error: { name: 'SandboxFailure', status: 503 }, effects: 0 },
    {
      fault: { fault: 'refuse', status: 403, code: 'closed' },
      error: { name: 'SandboxRefusal', status: 403, code: 'closed' },
      effects: 0,
    },
    {
      fault: { fault: 'throttle', retryAfterSeconds: 7 },
      error: { name: 'SandboxRefusal', status: 429, retryAfterSeconds: 7 },
      effects: 0,
    },
  ])('$fault hits one call, leaves $effects effects, and the next call is served', async (row) => {
    const orderId = `fault-${JSON.stringify(row.fault)}`;
    await admin.fault(row.fault);
    await expect(charge(orderId)).rejects.toMatchObject(row.error);
    expect(await kindsOf(orderId)).toHaveLength(row.effects);
    expect(await charge(orderId)).toMatchObject({ replayed: row.effects === 1 });
    expect(await kindsOf(orderId)).toEqual(['charge']);
  });

  it('of the network reaches the caller as it is, after one sending', async () => {
    await admin.fault({ fault: 'answer_lost' });
    const lost = about('network', 'answer-lost');
    await expect(charge('network')).rejects.toMatchObject({
      message: 'fetch failed',
      cause: { code: 'UND_ERR_SOCKET' },
    });
    expect(await lost).toMatchObject({ by: 'fault' });
    const own = events.filter(({ orderId }) => orderId === 'network');
    expect(own.map(({ event }) => event)).toEqual(['received', 'effect', 'answer-lost']);
  });

  it('slow makes the effect after its time, though the caller has hung up', async () => {
    await admin.fault({ fault: 'slow', ms: 150 });
    const received = about('slow', 'received');
    const made = about('slow', 'effect');
    const abort = new AbortController();
    const call = charge('slow', abort.signal);
    const asked = await received;
    abort.abort(new Error('gave up'));
    await expect(call).rejects.toThrow('gave up');
    expect(await kindsOf('slow')).toEqual([]);
    expect(Date.parse((await made).at) - Date.parse(asked.at)).toBeGreaterThanOrEqual(145);
    expect(await kindsOf('slow')).toEqual(['charge']);
  });

  it('hold keeps a call before its effect until it is let go', async () => {
    await admin.fault({ fault: 'hold' });
    const held = about('held', 'held');
    const call = charge('held');
    expect(await held).toMatchObject({ before: 'effect' });
    expect(await kindsOf('held')).toEqual([]);
    expect(await admin.release('another order')).toBe(0);
    expect(await admin.release('held')).toBe(1);
    expect(await call).toMatchObject({ replayed: false });
    expect(await kindsOf('held')).toEqual(['charge']);
  });

  it('hold_answer keeps the answer to an effect that is already made', async () => {
    await admin.fault({ fault: 'hold_answer' });
    const held = about('kept', 'held');
    const call = charge('kept');
    expect(await held).toMatchObject({ before: 'answer' });
    expect(await kindsOf('kept')).toEqual(['charge']);
    await admin.release();
    expect(await call).toMatchObject({ replayed: false });
  });

  it('hold lets a late sender find its tracking id used by the one that came after it', async () => {
    await admin.stock('late', 5);
    const body = { orderId: 'zombie', sku: 'late', quantity: 1 };
    await admin.fault({ fault: 'hold' });
    const held = about('zombie', 'held');
    const abort = new AbortController();
    const first = sandbox.reserve(body, { trackingId: 'z', signal: abort.signal });
    await held;
    abort.abort();
    await expect(first).rejects.toThrow('aborted');
    expect(await sandbox.inventoryStatus('z')).toEqual({ state: 'absent' });
    const { effect } = await sandbox.reserve(body, { trackingId: 'z' });
    const late = about('zombie', 'answer-lost');
    await admin.release();
    expect(await late).toMatchObject({ by: 'caller' });
    expect(await admin.effects({ order: 'zombie' })).toEqual([effect]);
  });

  it('aimed at a route and an order leaves the other ones alone, and ends after its times', async () => {
    await admin.fault({ fault: 'error', path: '/payments', match: 'aimed', times: 2 });
    await sandbox.ship({ orderId: 'aimed', address });
    await charge('not aimed');
    await expect(charge('aimed')).rejects.toBeInstanceOf(SandboxFailure);
    await expect(charge('aimed')).rejects.toBeInstanceOf(SandboxFailure);
    await charge('aimed');
    expect(await kindsOf('aimed')).toEqual(['ship', 'charge']);
  });

  it('hits a status query only when aimed there or when the provider is down', async () => {
    await admin.fault({ fault: 'error' });
    expect(await sandbox.inventoryStatus('nothing')).toEqual({ state: 'absent' });
    await admin.fault({ fault: 'answer_lost', path: '/inventory/status' });
    await expect(sandbox.inventoryStatus('nothing')).rejects.toThrow('fetch failed');
    await admin.clearFaults();
    await admin.fault({ fault: 'down', times: 2 });
    await expect(sandbox.inventoryStatus('nothing')).rejects.toMatchObject({ status: 503 });
    await expect(sandbox.trackedStatus('nothing')).rejects.toMatchObject({ status: 503 });
    expect(await sandbox.inventoryStatus('nothing')).toEqual({ state: 'absent' });
  });

  it('that could never hit is refused when it is asked for', async () => {
    const misspelt = admin.fault({ fault: 'error', path: '/paymnts/charge' });
    expect((await refusalOf(misspelt)).faults.map(({ path }) => path)).toEqual(['path']);
  });
});

describe('bad input', () => {
  it('gets a 400 that names every fault', async () => {
    const body = { orderId: '', quantity: 0.5, colour: 'red' };
    const headers = { 'Idempotency-Key': 'k'.repeat(256) };
    const response = await post('/inventory/reserve', JSON.stringify(body), headers);
    expect(response.status).toBe(400);
    const { code, message, faults } = (await response.json()) as SandboxRefusal;
    const paths = faults.map(({ path }) => path);
    expect(code).toBe('invalid');
    expect(paths.toSorted()).toEqual(['Idempotency-Key', 'colour', 'orderId', 'quantity', 'sku']);
    for (const path of paths) expect(message).toContain(`${path}: `);
  });

  it.each([
    ['that is no JSON', '{"orderId":', 400],
    ['that is no object', '[]', 400],
    ['of more than 64 KiB', JSON.stringify({ orderId: 'x'.repeat(65_536) }), 413],
  ])('%s is refused and meets no fault', async (_name, body, status) => {
    await admin.fault({ fault: 'down' });
    expect((await post('/effects/plain', body)).status).toBe(status);
    await expect(sandbox.plain({ orderId: 'after' })).rejects.toMatchObject({ status: 503 });
  });

  it('finds nothing at an unknown path, and the right method at a known one', async () => {
    expect((await post('/payments/steal', '{}')).status).toBe(404);
    const wrong = await fetch(new URL('/payments/charge', running.url));
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'POST']);
  });
});

describe('the process', { timeout: 30_000 }, () => {
  it('killed between effect and answer has the effect after a restart, and replays it', async () => {
    const file = join(folder, 'killed.db');
    const first = await startSandbox({ ledger: file });
    await createSandboxAdmin(first.url).fault({ fault: 'hold_answer' });
    const made = first.next(({ event }) => event === 'effect');
    const body = { orderId: 'killed', amountCents: 900, card };
    const call = createSandbox(first.url).charge(body, { idempotencyKey: 'k' });
    const lost = failureOf(call);
    const { effect } = (await made) as SandboxEvent & { event: 'effect' };
    await first.kill();
    expect(await lost).toMatchObject({ message: 'fetch failed' });
    expect(rowsIn(file)).toEqual([{ kind: 'charge', order_id: 'killed' }]);

    const second = await startSandbox({ ledger: file, port: first.port });
    expect(second.url).toBe(first.url);
    expect(await createSandboxAdmin(second.url).effects()).toEqual([effect]);
    const again = await createSandbox(second.url).charge(body, { idempotencyKey: 'k' });
    expect(again).toEqual({ effect, replayed: true });
    await second.stop();
    expect(rowsIn(file)).toHaveLength(1);
  });

  it('killed before the effect has no trace of it after a restart, and its stock is whole', async () => {
    const file = join(folder, 'killed-early.db');
    const first = await startSandbox({ ledger: file });
    const before = createSandboxAdmin(first.url);
    await before.stock('tea', 4);
    await before.fault({ fault: 'hold' });
    const held = first.next(({ event }) => event === 'held');
    const body = { orderId: 'early', sku: 'tea', quantity: 4 };
    const call = createSandbox(first.url).reserve(body, { trackingId: 't' });
    const lost = failureOf(call);
    await held;
    await first.kill();
    expect(await lost).toMatchObject({ message: 'fetch failed' });

    const second = await startSandbox({ ledger: file });
    const after = createSandbox(second.url);
    expect(await after.inventoryStatus('t')).toEqual({ state: 'absent' });
    await after.reserve(body, { trackingId: 't' });
    const { stock } = await createSandboxAdmin(second.url).balance();
    expect(stock).toEqual([{ sku: 'tea', seeded: 4, reserved: 4, released: 0, available: 0 }]);
    await second.stop();
  });

  it('ends with its parent, even when that is killed', async () => {
    const start = new URL('../../functions/agents/sandbox/start.ts', import.meta.url).href;
    const file = join(folder, 'orphan.db');
    const script = `const { startSandbox } = await import(${JSON.stringify(start)});
      console.log((await startSandbox({ ledger: ${JSON.stringify(file)} })).port);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', script]);
    const [port] = (await once(parent.stdout, 'data')) as [Buffer];
    const url = `http://127.0.0.1:${String(port).trim()}/admin/ledger`;
    expect((await fetch(url)).status).toBe(200);
    const socket = connect(Number(String(port)), '127.0.0.1');
    await once(socket, 'connect');
    const cut = once(socket, 'close');
    parent.kill('SIGKILL');
    await cut;
    await expect(fetch(url)).rejects.toThrow('fetch failed');
  });

  it('that ends early rejects what waits for its next event', async () => {
    const brief = await startSandbox({ ledger: join(folder, 'brief.db') });
    const waiting = failureOf(brief.next(() => true));
    await brief.stop();
    expect(await waiting).toMatchObject({ message: expect.stringContaining('ended before') });
    await expect(brief.next(() => true)).rejects.toThrow('ended before');
  });

  it('that cannot start says why', async () => {
    const taken = startSandbox({ ledger: join(folder, 'taken.db'), port: running.port });
    await expect(taken).rejects.toThrow(/Cannot listen on .*EADDRINUSE.*Free the port/s);
    await expect(startSandbox({ ledger: folder })).rejects.toThrow('did not start');
  });
});
