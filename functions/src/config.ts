import { z } from 'zod';
import { readApi } from './config/api.ts';
import type { ApiConfig } from './config/api.ts';
import { readBackend } from './config/backend.ts';
import type {
  ArchiveConfig,
  CloudBackend,
  EmbeddedBackend,
  ReadBackend,
} from './config/backend.ts';
import { readHttpRequest } from './config/http-request.ts';
import type { HttpRequestConfig } from './config/http-request.ts';
import { readPush } from './config/push.ts';
import type { PushVerification } from './config/push.ts';
import { fault, read, text, whole } from './config/settings.ts';
import type { Environment } from './config/settings.ts';
import { NAMESPACE_PATTERN } from './token/token.ts';
import type { Namespace } from './token/token.ts';

/** What the built-in classes promise: an archive's rules must not break it. */
export { RETENTION_CLASSES } from './retention/classes.ts';

/** How a deployment is set up: read once, at start, from the environment. */
export interface Config {
  readonly namespace: Namespace;
  readonly backend: CloudBackend | EmbeddedBackend;
  readonly push: PushVerification;
  /** Over how many shards sweeps and archiving are spread. Fixed for the life of a store. */
  readonly shards: number;
  /** Present where the built-in step `http.request` is to be registered. */
  readonly httpRequest?: HttpRequestConfig;
  /** Present where the HTTP service is to be served. */
  readonly api?: ApiConfig;
  /** Present where the archiver's functions are to be served. */
  readonly archive?: ArchiveConfig;
}

/** Settings are wrong or missing: all of them are named at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    const what = faults.length === 1 ? 'A setting is' : `${faults.length} settings are`;
    super(`agent-once did not start. ${what} wrong or missing:\n  ${faults.join('\n  ')}`);
    this.faults = faults;
  }
}

const COMMON = z.object({
  AGENT_ONCE_NAMESPACE: text(
    NAMESPACE_PATTERN,
    'whose tokens these are: lower-case letters, digits and dashes, from a letter, at most 63',
  ),
  AGENT_ONCE_SHARDS: whole(1, 1_024, 'a whole number from 1 to 1024').default(16),
  AGENT_ONCE_IAM_CHECKS_CALLERS: z
    .literal('true', 'true where IAM lets only invokers in, and else unset')
    .optional(),
});

/** What a deployment's timeouts are checked against. */
export interface Budget {
  readonly action: string;
  readonly timeoutMs: number;
}

/** @throws {ConfigError} naming every variable that is wrong or missing, and what it should be */
export function parseConfig(environment: Environment, steps: readonly Budget[] = []): Config {
  // Empty is how many tools write that a variable is not set.
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const faults: string[] = [];
  const common = read(COMMON, given, faults);
  const backend = readBackend(given, faults);
  const push = readPush(given, faults);
  const httpRequest = readHttpRequest(given, faults);
  const api = readApi(given, common?.AGENT_ONCE_NAMESPACE as Namespace | undefined, faults);
  const builtIn = httpRequest ? [{ ...httpRequest, action: 'http.request' }] : [];
  if (backend) faults.push(...timeoutFaults(backend, [...steps, ...builtIn]));
  if (faults.length > 0 || !common || !backend || !push) throw new ConfigError(faults);
  return deepFrozen({
    namespace: common.AGENT_ONCE_NAMESPACE as Namespace,
    backend: backend.backend,
    push,
    shards: common.AGENT_ONCE_SHARDS,
    ...(httpRequest && { httpRequest }),
    ...(api && { api }),
    ...(backend.archive && { archive: backend.archive }),
  });
}

/** Step budget < function timeout < acknowledgement deadline, or a delivery overlaps a live run. */
function timeoutFaults(
  { functionSeconds, ackSeconds }: ReadBackend,
  steps: readonly Budget[],
): string[] {
  const faults = steps
    .filter(({ timeoutMs }) => timeoutMs >= functionSeconds * 1_000)
    .map(
      ({ action, timeoutMs }) =>
        `Step ${action} has timeoutMs ${timeoutMs}. It should be below the function's timeout, ` +
        `${functionSeconds * 1_000} ms (FUNCTION_TIMEOUT_SECONDS).`,
    );
  if (functionSeconds < ackSeconds) return faults;
  const expected = `below AGENT_ONCE_ACK_DEADLINE_SECONDS (${ackSeconds}), or Pub/Sub delivers a task again while it runs`;
  return [...faults, fault('FUNCTION_TIMEOUT_SECONDS', String(functionSeconds), expected)];
}

function deepFrozen<T extends object>(value: T): T {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null) deepFrozen(inner);
  }
  return Object.freeze(value);
}
