import * as fc from 'fast-check';
import { answerCheck, HANDLE, requestsFrom, TOKEN } from './requests-from-document.ts';
import type { Document, GeneratedRequest } from './requests-from-document.ts';
import { DEVELOPMENT_TOKEN } from './service.ts';

export interface Drive {
  readonly document: Document;
  readonly count: number;
  readonly seed: number;
  /** Sends the request with this index. */
  ask(request: Request, index: number): Promise<Response>;
}

export interface Driven {
  /** How often each operation was answered how: `BeginOperation 201`. */
  readonly answers: ReadonlyMap<string, number>;
  /** Those with 5xx, or not as the document says. */
  readonly wrong: readonly unknown[];
}

const BATCH = 500;
const AT_ONCE = 16;

/** Sends requests made from a document, 16 at a time, and holds every answer against it. */
export async function driveRequests({ document, count, seed, ask }: Drive): Promise<Driven> {
  const check = answerCheck(document);
  const arbitrary = requestsFrom(document);
  const answers = new Map<string, number>();
  const wrong: unknown[] = [];
  const handles: string[] = [];
  const tokens: string[] = [];

  async function send(generated: GeneratedRequest, index: number): Promise<void> {
    const drawn = (from: string[], otherwise: string) => from[index % from.length] ?? otherwise;
    const { operation } = generated;
    const request = requestOf(generated, {
      handle: drawn(handles.slice(-8), 'h2.x'),
      token: drawn(tokens, `k1_${'A'.repeat(43)}`),
    });
    const response = await ask(request, index);
    const { status } = response;
    const answer = (await response.json()) as { handle?: string; token?: string };
    if (answer.handle) handles.push(answer.handle);
    if (answer.token && tokens.length < 20) tokens.push(answer.token);
    const type = response.headers.get('content-type') ?? '';
    const fault = check(operation, status, type, answer);
    if (fault !== undefined || status >= 500) wrong.push({ generated, status, fault, answer });
    const name = `${operation.operationId} ${status}`;
    answers.set(name, (answers.get(name) ?? 0) + 1);
  }

  for (let from = 0; from < count; from += BATCH) {
    const numRuns = Math.min(BATCH, count - from);
    const requests = fc.sample(arbitrary, { numRuns, seed: seed + from });
    let next = 0;
    const lanes = Array.from({ length: AT_ONCE }, async () => {
      for (let index = next++; index < requests.length; index = next++) {
        const request = requests[index];
        if (request) await send(request, from + index);
      }
    });
    await Promise.all(lanes);
  }
  return { answers, wrong };
}

function requestOf(
  { operation, method, path, headers, body }: GeneratedRequest,
  known: { readonly handle: string; readonly token: string },
): Request {
  const fill = (text: string) =>
    text
      .replaceAll(HANDLE, known.handle)
      .replaceAll(TOKEN, known.token)
      .replaceAll(encodeURIComponent(TOKEN), known.token);
  const forOperators = ['Intervene', 'ListOperations'];
  const operator = forOperators.includes(operation.operationId) ? ':operator@shop' : '';
  return new Request(new URL(fill(path), 'http://localhost'), {
    method,
    headers: {
      Authorization: `Bearer ${DEVELOPMENT_TOKEN}${operator}`,
      ...headers,
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: fill(body) }),
  });
}

/** Statuses that requests from the document must come to, or they would test the validation alone. */
export const REACHED = [
  'AppendEvents 201',
  'BeginOperation 200',
  'BeginOperation 201',
  'BeginOperation 400',
  'BeginOperation 409',
  'BeginOperationBatch 200',
  'CheckIdempotency 200',
  'CheckIdempotency 422',
  'CheckIdempotencyBatch 200',
  'CompleteOperation 200',
  'CompleteOperation 409',
  'FailOperation 200',
  'GetLedger 200',
  'GetResult 200',
  'GetResult 404',
  'Intervene 200',
  'Intervene 409',
  'ListInterventions 200',
  'ListOperations 200',
  'ReadEvents 200',
  'ReadState 200',
  'ReadState 404',
  'ReadStateHistory 200',
  'RecordOperation 201',
  'RecordOperation 409',
  'ReleaseOperation 200',
  'RenewOperation 200',
  'StartOperation 200',
  'Tick 200',
  'WriteState 201',
  'WriteState 409',
] as const;
