import { PubsubSchema } from '@cdktf/provider-google/lib/pubsub-schema/index.js';
import { PubsubSubscriptionIamMember } from '@cdktf/provider-google/lib/pubsub-subscription-iam-member/index.js';
import { PubsubSubscription } from '@cdktf/provider-google/lib/pubsub-subscription/index.js';
import { PubsubTopicIamMember } from '@cdktf/provider-google/lib/pubsub-topic-iam-member/index.js';
import { PubsubTopic } from '@cdktf/provider-google/lib/pubsub-topic/index.js';
import {
  ACCOUNTS,
  accountEmail,
  DEAD_LETTERS,
  functionUrl,
  ROUTES,
  subscriptionName,
  TOPICS,
} from '../resource-names.ts';
import type { Route, Topic } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';

const DAY_SECONDS = 86_400;

/**
 * The most that Pub/Sub takes. Each refusal counts as an attempt, "not yet" included, so few would
 * dead-letter a healthy task. The backoff grows from the one to the other.
 */
export const DELIVERY = { attempts: 100, minimumBackoff: '10s', maximumBackoff: '600s' } as const;

/** A topic that keeps what it was given, for replay. */
function topic(stack: ProjectStack, name: Topic, days: number, schema?: PubsubSchema): PubsubTopic {
  const { encryptionKey } = stack.environment.optional;
  return new PubsubTopic(stack, `topic-${name}`, {
    name: TOPICS[name],
    messageRetentionDuration: `${days * DAY_SECONDS}s`,
    ...(encryptionKey !== undefined && { kmsKeyName: encryptionKey }),
    ...(schema && { schemaSettings: { schema: schema.id, encoding: 'JSON' } }),
  });
}

const ARCHIVE_ORDER = `syntax = "proto3";
message ArchiveOrder {
  string schema = 1;
  int32 shard = 2;
  int64 until = 3;
  string after = 4;
}
`;

/**
 * Refuses what is no order to archive a shard when it is published. Tasks have no such schema: their params
 * are any JSON, which neither Avro nor a protocol buffer without imports can say, and they may come in
 * attributes alone. `run-task` judges them by functions/schemas and dead-letters them with every fault.
 */
function schemaOf(stack: ProjectStack, route: Route): PubsubSchema | undefined {
  if (route === 'tasks') return undefined;
  return new PubsubSchema(stack, `schema-${route}`, {
    name: TOPICS[route],
    type: 'PROTOCOL_BUFFER',
    definition: ARCHIVE_ORDER,
  });
}

/** Delivers a topic's messages to a function, and to another topic what it never takes. Returns both. */
export function taskRoute(stack: ProjectStack, route: Route): Partial<Record<Topic, PubsubTopic>> {
  const { environment } = stack;
  const { retention, ackDeadlineSeconds, region } = environment;
  const messages = topic(stack, route, retention.messageDays, schemaOf(stack, route));
  const deadLetters = topic(stack, DEAD_LETTERS[route], retention.deadLetterDays);
  keep(stack, DEAD_LETTERS[route], deadLetters);

  const target = ROUTES[route];
  const url = functionUrl(target, region, stack.projectNumber);
  const push = new PubsubSubscription(stack, `push-${route}`, {
    name: subscriptionName(route),
    topic: messages.id,
    ackDeadlineSeconds,
    messageRetentionDuration: `${retention.messageDays * DAY_SECONDS}s`,
    expirationPolicy: { ttl: '' },
    pushConfig: {
      pushEndpoint: url,
      oidcToken: {
        serviceAccountEmail: accountEmail(environment, ACCOUNTS.calls(target)),
        audience: url,
      },
    },
    retryPolicy: {
      minimumBackoff: DELIVERY.minimumBackoff,
      maximumBackoff: DELIVERY.maximumBackoff,
    },
    deadLetterPolicy: { deadLetterTopic: deadLetters.id, maxDeliveryAttempts: DELIVERY.attempts },
  });
  // Without both, Pub/Sub neither counts attempts nor dead-letters, and says nothing.
  const member = stack.serviceAgent('gcp-sa-pubsub');
  new PubsubTopicIamMember(stack, `${route}-agent-dead-letters`, {
    topic: deadLetters.name,
    role: 'roles/pubsub.publisher',
    member,
  });
  new PubsubSubscriptionIamMember(stack, `${route}-agent-forwards`, {
    subscription: push.name,
    role: 'roles/pubsub.subscriber',
    member,
  });
  return { [route]: messages, [DEAD_LETTERS[route]]: deadLetters };
}

/** A topic that nothing subscribes to drops what it gets. The longest that a subscription keeps is 31 days. */
function keep(stack: ProjectStack, name: Topic, { id }: PubsubTopic): void {
  new PubsubSubscription(stack, `kept-${name}`, {
    name: subscriptionName(name),
    topic: id,
    ackDeadlineSeconds: 60,
    messageRetentionDuration: `${stack.environment.retention.deadLetterDays * DAY_SECONDS}s`,
    expirationPolicy: { ttl: '' },
  });
}
