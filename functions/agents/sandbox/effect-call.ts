import type { IncomingMessage } from 'node:http';
import { bodyHash } from './body-hash.ts';
import type { Call, Order } from './calls.ts';
import { idempotencyKeySchema } from './contract.ts';
import type { InputFault } from './contract.ts';
import type { Emit, Exchange } from './events.ts';
import type { Delivery, FaultPlan } from './fault-plan.ts';
import { invalid, readJson } from './http.ts';
import type { Reply } from './http.ts';
import type { EffectRequest, Ledger } from './ledger.ts';

interface Parts {
  ledger: Ledger;
  faults: FaultPlan;
  call: Call;
  exchange: Exchange;
  now: () => Date;
  emit: Emit;
}

/** Reads, judges and carries out one call for an effect; a call that is not valid meets no fault. */
export async function answerCall(parts: Parts, request: IncomingMessage): Promise<Delivery> {
  const { call, exchange, faults, emit } = parts;
  const sent = await readJson(request);
  const idempotencyKey = headerOf(request, 'idempotency-key');
  const parsed = sent.ok ? call.parse(sent.value) : undefined;
  const order = parsed?.ok ? parsed.order : undefined;
  exchange.orderId = order?.orderId ?? null;
  const trackingId = order?.trackingId ?? null;
  emit(exchange, { event: 'received', idempotencyKey, trackingId });
  if (!sent.ok) return sent.reply;
  const wrong = [...keyFaults(idempotencyKey), ...(parsed?.ok === false ? parsed.faults : [])];
  if (!order || wrong.length > 0) return invalid(wrong);
  const hash = bodyHash(sent.value);
  const wanted = { ...kindOf(call), ...order, idempotencyKey, trackingId, bodyHash: hash };
  return faults.run(exchange, () => carryOut(parts, wanted));
}

function kindOf({ agent, kind, honours }: Call): Pick<Call, 'agent' | 'kind' | 'honours'> {
  return { agent, kind, honours };
}

function headerOf(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

function keyFaults(idempotencyKey: string | null): InputFault[] {
  if (idempotencyKey === null) return [];
  const { error } = idempotencyKeySchema.safeParse(idempotencyKey);
  return (error?.issues ?? []).map(({ message }) => ({ path: 'Idempotency-Key', message }));
}

function carryOut({ ledger, exchange, now, emit }: Parts, wanted: EffectRequest & Order): Reply {
  const acceptance = ledger.accept(wanted, now());
  switch (acceptance.outcome) {
    case 'accepted':
      emit(exchange, { event: 'effect', effect: acceptance.effect });
      return { status: 201, body: acceptance.effect };
    case 'replayed': {
      emit(exchange, { event: 'replayed', effect: acceptance.effect });
      const headers = { 'Idempotency-Replayed': 'true' };
      return { status: 201, body: acceptance.effect, headers };
    }
    case 'refused': {
      const { status, ...body } = acceptance.refusal;
      if (body.effect) emit(exchange, { event: 'replayed', effect: body.effect });
      return { status, body };
    }
  }
}
