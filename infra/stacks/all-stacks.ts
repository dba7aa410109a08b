import type { App } from 'cdktf';
import { DataStack } from './data-stack.ts';
import { MessagingStack } from './messaging-stack.ts';

/**
 * Everything that is provisioned. What holds records is a stack of its own, so that replacing the
 * messaging never plans a change to the data.
 */
export function addStacks(app: App): { data: DataStack; messaging: MessagingStack } {
  return { data: new DataStack(app, 'data'), messaging: new MessagingStack(app, 'messaging') };
}
