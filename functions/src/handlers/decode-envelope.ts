import { hash } from 'node:crypto';
import { z } from 'zod';
import type { RawMessage } from '../ports/task-publisher.ts';
import { bodyBytes, bodyJson, headerOf } from './push-request.ts';
import type { PushRequest } from './push-request.ts';
import { TASK_ATTRIBUTES } from './task-fields.ts';

/** A message as it was delivered, with what Pub/Sub tells about the delivery. */
export interface Delivery {
  readonly message: RawMessage;
  /** Pub/Sub says that it delivered this message before; it says so only where it counts attempts. */
  readonly redelivery: boolean;
  readonly deliveryAttempt?: number;
  /** When Pub/Sub took the message, in epoch milliseconds. */
  readonly publishedAt?: number;
  readonly subscription?: string;
}

export type DecodedEnvelope =
  | ({ readonly kind: 'delivery' } & Delivery)
  | {
      readonly kind: 'unreadable';
      readonly faults: readonly string[];
      /** The whole body as it came, under an id made from it, for the dead-letter topic. */
      readonly message: RawMessage;
    };

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

const idSchema = z
  .string()
  .min(1, 'must not be empty')
  .max(512, 'must not be longer than 512 characters')
  .refine((id) => id.isWellFormed(), 'has a lone surrogate');
const timeSchema = z
  .string()
  .refine((text) => TIME.test(text) && !Number.isNaN(Date.parse(text)), 'must be an RFC 3339 time');

const messageSchema = z.object({
  data: z.string().refine(isBase64, 'must be base64').nullish(),
  attributes: z.record(z.string(), z.string()).nullish(),
  messageId: idSchema.optional(),
  message_id: idSchema.optional(),
  publishTime: timeSchema.optional(),
  publish_time: timeSchema.optional(),
});

/** What Pub/Sub puts into a push body, and Eventarc into a CloudEvent's data. */
const wrappedSchema = z.object({
  message: messageSchema,
  subscription: z.string().optional(),
  deliveryAttempt: z.int('must be an integer').min(1, 'must be from 1').nullish(),
});

/**
 * The message inside a push request: wrapped, as a CloudEvent (binary or structured), or unwrapped with
 * its metadata in headers. A message without data is a message, its attributes say what it is.
 *
 * Never throws: what is no such request is told fault by fault.
 */
export function decodeEnvelope(request: PushRequest): DecodedEnvelope {
  if (headerOf(request, 'x-goog-pubsub-subscription-name') !== undefined) return unwrapped(request);
  const body = bodyJson(request);
  if (!isObject(body)) return unreadable(request, ['body: must be a JSON object']);
  if (typeof body['specversion'] === 'string') return structured(request, body);
  return wrapped(request, body, '', headerOf(request, 'ce-id'));
}

function structured(request: PushRequest, event: Record<string, unknown>): DecodedEnvelope {
  const id = typeof event['id'] === 'string' ? event['id'] : undefined;
  const data = event['data'] ?? decodedJson(event['data_base64']);
  if (isObject(data)) return wrapped(request, data, 'data.', id);
  return unreadable(request, ['data: must be an object that holds a Pub/Sub message']);
}

function wrapped(
  request: PushRequest,
  body: unknown,
  prefix: string,
  eventId: string | undefined,
): DecodedEnvelope {
  const { data: envelope, error } = wrappedSchema.safeParse(body);
  if (!envelope) {
    return unreadable(
      request,
      error.issues.map(({ path, message }) => `${prefix}${path.join('.')}: ${message}`),
    );
  }
  const { message, subscription, deliveryAttempt } = envelope;
  const id = message.messageId ?? message.message_id ?? eventId;
  if (id === undefined) return unreadable(request, [`${prefix}message.messageId: is missing`]);
  const published = message.publishTime ?? message.publish_time;
  return {
    kind: 'delivery',
    message: {
      id,
      data: Buffer.from(message.data ?? '', 'base64'),
      attributes: message.attributes ?? {},
    },
    redelivery: (deliveryAttempt ?? 1) > 1,
    ...(typeof deliveryAttempt === 'number' && { deliveryAttempt }),
    ...(published !== undefined && { publishedAt: Date.parse(published) }),
    ...(subscription !== undefined && { subscription }),
  };
}

/**
 * Payload unwrapping with `writeMetadata`: the body is the data, `x-goog-pubsub-…` headers hold the
 * metadata, and attributes are plain headers among the others, so only those of a task are taken.
 */
function unwrapped(request: PushRequest): DecodedEnvelope {
  const id = idSchema.safeParse(headerOf(request, 'x-goog-pubsub-message-id'));
  const time = timeSchema.optional().safeParse(headerOf(request, 'x-goog-pubsub-publish-time'));
  const subscription = headerOf(request, 'x-goog-pubsub-subscription-name');
  if (!id.success || !time.success) {
    const faults = [
      ...faultsAt('x-goog-pubsub-message-id', id.error),
      ...faultsAt('x-goog-pubsub-publish-time', time.error),
    ];
    return unreadable(request, faults);
  }
  return {
    kind: 'delivery',
    message: { id: id.data, data: bodyBytes(request), attributes: attributeHeaders(request) },
    redelivery: false,
    ...(time.data !== undefined && { publishedAt: Date.parse(time.data) }),
    ...(subscription !== undefined && { subscription }),
  };
}

/** `traceparent` is left out: the front end in between sets its own. */
function attributeHeaders(request: PushRequest): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const name of TASK_ATTRIBUTES) {
    const value = headerOf(request, name.toLowerCase());
    if (value !== undefined && name !== 'traceparent') attributes[name] = value;
  }
  return attributes;
}

function faultsAt(name: string, error: z.ZodError | undefined): string[] {
  return error?.issues.map(({ message }) => `${name}: ${message}`) ?? [];
}

function unreadable(request: PushRequest, faults: readonly string[]): DecodedEnvelope {
  const data = bodyBytes(request);
  const id = `unreadable-${hash('sha256', data, 'base64url').slice(0, 22)}`;
  return { kind: 'unreadable', faults, message: { id, data, attributes: {} } };
}

function decodedJson(base64: unknown): unknown {
  if (typeof base64 !== 'string' || !isBase64(base64)) return undefined;
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString());
  } catch {
    return undefined;
  }
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
