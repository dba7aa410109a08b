import { setTimeout as delay } from 'node:timers/promises';
import type { Emit, Exchange } from './events.ts';
import { covers } from './fault.ts';
import type { Fault } from './fault.ts';
import { failure } from './http.ts';
import type { Reply } from './http.ts';

/** What the caller gets: an answer, or a cut connection before or after the effect. */
export type Delivery = Reply | 'request-lost' | 'answer-lost';

interface Waiting {
  exchange: Exchange;
  resume: () => void;
}

/** The faults asked for and the calls held by them. Both live in memory: a restart clears them. */
export interface FaultPlan {
  add: (fault: Fault) => void;
  clear: () => void;
  /** Faults that are not used up; `times` is how many calls each has left. */
  pending: () => Fault[];
  held: () => Exchange[];
  /** Lets the held calls of one order go on, or all of them; returns how many there were. */
  release: (orderId?: string) => number;
  /** Does the work of one exchange under the first fault that is aimed at it, if any. */
  run: (exchange: Exchange, work: () => Reply) => Promise<Delivery>;
}

export function createFaultPlan(emit: Emit): FaultPlan {
  let faults: Fault[] = [];
  let waiting: Waiting[] = [];

  function take(exchange: Exchange): Fault | undefined {
    const fault = faults.find((candidate) => hits(candidate, exchange));
    if (fault && --fault.times === 0) faults = faults.filter((other) => other !== fault);
    return fault;
  }

  function hold(exchange: Exchange, before: 'effect' | 'answer'): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.push({ exchange, resume: resolve });
    emit(exchange, { event: 'held', before });
    return promise;
  }

  return {
    add: (fault) => void faults.push({ ...fault }),
    clear: () => void (faults = []),
    pending: () => faults,
    held: () => waiting.map(({ exchange }) => exchange),
    release: (orderId) => {
      const going = waiting.filter(
        ({ exchange }) => orderId === undefined || exchange.orderId === orderId,
      );
      waiting = waiting.filter((other) => !going.includes(other));
      for (const { resume } of going) resume();
      return going.length;
    },
    run: (exchange, work) => underFault(take(exchange), work, (before) => hold(exchange, before)),
  };
}

function hits(fault: Fault, { method, path, orderId }: Exchange): boolean {
  if (fault.fault === 'down') return true;
  if (fault.match !== undefined && fault.match !== orderId) return false;
  return fault.path === undefined ? method === 'POST' : covers(fault.path, path);
}

async function underFault(
  fault: Fault | undefined,
  work: () => Reply,
  hold: (before: 'effect' | 'answer') => Promise<void>,
): Promise<Delivery> {
  switch (fault?.fault) {
    case undefined:
      return work();
    case 'down':
      return failure(503, 'down', 'the provider is down');
    case 'error':
      return failure(fault.status, 'error', 'the provider failed before the effect');
    case 'refuse':
      return failure(fault.status, fault.code, 'the provider refused, as it was told to');
    case 'throttle': {
      const headers = { 'Retry-After': String(fault.retryAfterSeconds) };
      return { ...failure(429, 'throttled', 'too many calls'), headers };
    }
    case 'request_lost':
      return 'request-lost';
    case 'slow':
      await delay(fault.ms);
      return work();
    case 'hold':
      await hold('effect');
      return work();
    case 'hold_answer': {
      const reply = work();
      await hold('answer');
      return reply;
    }
    case 'error_after':
      work();
      return failure(fault.status, 'error', 'the provider failed');
    case 'answer_lost':
      work();
      return 'answer-lost';
  }
}
