import { PubsubSubscriptionIamMember } from '@cdktf/provider-google/lib/pubsub-subscription-iam-member/index.js';
import type { PubsubSubscription } from '@cdktf/provider-google/lib/pubsub-subscription/index.js';
import { PubsubTopicIamMember } from '@cdktf/provider-google/lib/pubsub-topic-iam-member/index.js';
import type { PubsubTopic } from '@cdktf/provider-google/lib/pubsub-topic/index.js';
import type { Construct } from 'constructs';
import { taskRoute } from '../constructs/task-route.ts';
import { ProjectStack } from '../constructs/google-project.ts';
import type { Environment } from '../environment.ts';
import { FUNCTION_SPECS } from '../function-specs.ts';
import {
  ACCOUNTS,
  accountEmail,
  FUNCTION_NAMES,
  ROUTES,
  subscriptionName,
  TOPICS,
} from '../resource-names.ts';
import type { Route, Topic } from '../resource-names.ts';

/** Topics, the subscriptions that push them to functions, and where undeliverable messages are kept. */
export class MessagingStack extends ProjectStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, 'messaging', environment);
    const routes = (Object.keys(ROUTES) as Route[]).map((route) => taskRoute(this, route));
    const topics = Object.assign({}, ...routes) as Partial<Record<Topic, PubsubTopic>>;
    this.#publishers(topics);
    this.#operators(topics);
  }

  #publishers(topics: Partial<Record<Topic, PubsubTopic>>): void {
    for (const name of FUNCTION_NAMES) {
      for (const topic of FUNCTION_SPECS[name].publishesTo) {
        new PubsubTopicIamMember(this, `${name}-publishes-${topic}`, {
          topic: topics[topic]?.name ?? TOPICS[topic],
          role: 'roles/pubsub.publisher',
          member: `serviceAccount:${accountEmail(this.environment, ACCOUNTS.runsAs(name))}`,
        });
      }
    }
  }

  /** On the command line: publishing a task again, and taking dead letters. */
  #operators(topics: Partial<Record<Topic, PubsubTopic>>): void {
    for (const [number, member] of this.environment.operators.entries()) {
      new PubsubTopicIamMember(this, `operator-${number}-publishes-tasks`, {
        topic: topics.tasks?.name ?? TOPICS.tasks,
        role: 'roles/pubsub.publisher',
        member,
      });
      new PubsubSubscriptionIamMember(this, `operator-${number}-takes-dead-letters`, {
        subscription: subscriptionName('deadLetters'),
        role: 'roles/pubsub.subscriber',
        member,
        dependsOn: [this.node.findChild('kept-deadLetters') as PubsubSubscription],
      });
    }
  }
}
