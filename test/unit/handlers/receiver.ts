import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { embeddedStore } from '../../../functions/src/adapters/embedded/store.ts';
import { systemClock } from '../../../functions/src/adapters/system/clock.ts';
import { registerSteps } from '../../../functions/src/engine/register-steps.ts';
import { defineStep } from '../../../functions/src/engine/step.ts';
import type { Runtime } from '../../../functions/src/engine/runtime.ts';
import type { AnyStep } from '../../../functions/src/engine/step.ts';
import type { Receiver } from '../../../functions/src/handlers/handle-message.ts';
import type { PushRequest } from '../../../functions/src/handlers/push-request.ts';
import { runTaskPush } from '../../../functions/src/handlers/run-task-push.ts';
import type { DeadLetterReason, RawMessage } from '../../../functions/src/ports/task-publisher.ts';
import type { Decision } from '../../../functions/src/ports/telemetry.ts';
import type { Namespace } from '../../../functions/src/token/token.ts';
import { engineRuntime } from '../../support/engine-runtime.ts';

export interface TestReceiver extends Receiver {
  readonly deadLetters: { message: RawMessage; reason: DeadLetterReason }[];
  readonly decisions: Decision[];
  readonly events: { severity: string; message: string; fields: unknown }[];
  /** The params of every run of the step `a.b`. */
  readonly ran: unknown[];
}

/** A receiver over a store in memory with one step, `a.b`, that keeps what it was given. */
export function testReceiver({
  run = () => undefined,
  runtime = {},
}: { run?: AnyStep['run']; runtime?: Partial<Runtime> } = {}): TestReceiver {
  const deadLetters: TestReceiver['deadLetters'] = [];
  const decisions: Decision[] = [];
  const events: TestReceiver['events'] = [];
  const ran: unknown[] = [];
  const step = defineStep({
    action: 'a.b',
    effect: 'idempotent',
    params: z.looseObject({}),
    run(context) {
      ran.push(context.params);
      return run(context);
    },
  });
  return {
    runtime: engineRuntime(embeddedStore(':memory:', systemClock), {
      publisher: {
        publish: async () => {},
        deadLetter: async (message, reason) => void deadLetters.push({ message, reason }),
      },
      telemetry: {
        decision: (decision) => void decisions.push(decision),
        event: (severity, message, fields) => void events.push({ severity, message, fields }),
      },
      ...runtime,
    }),
    steps: registerSteps([step]),
    namespace: 'shop' as Namespace,
    deadLetters,
    decisions,
    events,
    ran,
  };
}

let messages = 0;

/** A message of its own id with this JSON as data. */
export function messageOf(json: unknown, attributes: Record<string, string> = {}): RawMessage {
  messages += 1;
  return { id: `m${messages}`, data: Buffer.from(JSON.stringify(json)), attributes };
}

/** The body that Pub/Sub pushes for a message. */
export function pushBody({ id, data, attributes }: RawMessage): object {
  const message = { messageId: id, data: Buffer.from(data).toString('base64'), attributes };
  return { message, subscription: 'projects/shop-1/subscriptions/tasks-push' };
}

export interface Answer {
  readonly status: number;
  readonly outcome: string | undefined;
}

/** Hands requests to the function as Pub/Sub's own, without a server in between. */
export function pushTo(receiver: TestReceiver): (request: PushRequest) => Promise<Answer> {
  const handle = runTaskPush({ ...receiver, verifyCaller: async () => ({ kind: 'verified' }) });
  return async (request: PushRequest): Promise<Answer> => {
    const headers = new Map<string, string>();
    let ends = 0;
    const response = {
      headersSent: false,
      destroyed: false,
      statusCode: 0,
      setHeader: (name: string, value: string) => headers.set(name, value),
      end: () => (ends += 1),
    };
    await handle(
      { ...request, method: 'POST' } as unknown as IncomingMessage & PushRequest,
      response as unknown as ServerResponse,
    );
    if (ends !== 1) throw new Error(`The request was answered ${ends} times.`);
    return { status: response.statusCode, outcome: headers.get('Agent-Once-Outcome') };
  };
}
