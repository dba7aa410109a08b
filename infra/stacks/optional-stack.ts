import type { Construct } from 'constructs';
import { bigtable } from '../constructs/bigtable.ts';
import { ProjectStack } from '../constructs/google-project.ts';
import { privateRedis } from '../constructs/private-redis.ts';
import { stateHistory } from '../constructs/state-history.ts';
import type { Environment } from '../environment.ts';

/**
 * What an environment may have besides: other stores for tokens, and the history of state in BigQuery.
 * There even if it is empty, so that a part that is no longer asked for is taken down.
 */
export class OptionalStack extends ProjectStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, 'optional', environment);
    const { redis, bigtable: wide, stateHistory: history } = environment.optional;
    if (redis) privateRedis(this, redis);
    if (wide) bigtable(this, wide);
    if (history) stateHistory(this, history);
  }
}
