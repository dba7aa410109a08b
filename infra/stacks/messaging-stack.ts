import { PubsubSubscription } from '@cdktf/provider-google/lib/pubsub-subscription/index.js';
import { PubsubTopic } from '@cdktf/provider-google/lib/pubsub-topic/index.js';
import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { GoogleProject } from '../constructs/google-project.ts';

const WEEK = `${7 * 24 * 60 * 60}s`;

/** The topic that agents publish tasks to, and the one that takes what can never be run. */
export class MessagingStack extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new GoogleProject(this);
    new PubsubTopic(this, 'tasks', { name: 'tasks', messageRetentionDuration: WEEK });
    const deadLetters = new PubsubTopic(this, 'dead-letters', {
      name: 'tasks-dead-letter',
      messageRetentionDuration: WEEK,
    });
    // A topic that nothing subscribes to drops what it gets.
    new PubsubSubscription(this, 'dead-letters-kept', {
      name: 'tasks-dead-letter-kept',
      topic: deadLetters.name,
      messageRetentionDuration: WEEK,
      expirationPolicy: { ttl: '' },
    });
  }
}
