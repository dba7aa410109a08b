import type { Config } from '../../functions/src/config.ts';
import type { Namespace } from '../../functions/src/index.ts';

/** Operations and queue in one file, shared by the demo and its workers. */
export function embeddedConfig(file: string, namespace: Namespace): Config {
  return {
    namespace,
    backend: { kind: 'embedded', file },
    push: { verify: 'off' },
    shards: 16,
  };
}
