import { z } from 'zod';
import { NAMESPACE_PATTERN } from './token/token.ts';
import type { Namespace } from './token/token.ts';

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

export interface ArchiveConfig {
  /** Its messages each have one shard archived. */
  readonly topic: string;
  /** How long one message's run takes on more; then another message goes on. */
  readonly budgetMs: number;
}

export interface CloudBackend {
  readonly kind: 'cloud';
  readonly project: string;
  readonly database: string;
  readonly taskTopic: string;
  readonly deadLetterTopic: string;
  /** Takes payloads that are too large for a record. */
  readonly blobBucket: string;
  /** Cold storage: takes the payloads of expired operations. Without it nothing is archived or read from there. */
  readonly archiveBucket?: string;
  /** Takes every version of state. Without it none is published. */
  readonly stateHistoryTopic?: string;
}

export interface EmbeddedBackend {
  readonly kind: 'embedded';
  /** Holds operations and queue; large payloads lie in a folder beside it. */
  readonly file: string;
  readonly project?: string;
}

/** Who may push; `off` where an emulator pushes, which can't prove who it is. */
export type PushVerification =
  | {
      readonly verify: 'oidc';
      readonly audience: string;
      readonly serviceAccount: string;
      readonly verifiedByIam?: true;
    }
  | { readonly verify: 'off' };

export interface HttpRequestConfig {
  readonly origins: readonly string[];
  readonly effect: 'pure' | 'idempotent' | 'once';
  readonly timeoutMs: number;
}

/** Who may call the HTTP service, for which namespaces, and how they prove who they are. */
export interface ApiConfig {
  readonly caller:
    | { readonly verify: 'oidc'; readonly audience: string; readonly verifiedByIam?: true }
    /** Against emulators and the embedded store only: nothing signs for callers there. */
    | { readonly verify: 'development'; readonly token: string };
  readonly grants: readonly ApiGrant[];
  /** Requests a second that one principal may send to one instance. */
  readonly ratePerSecond: number;
  /** Secret. What claim handles are authenticated with: the first one makes them, each verifies them. */
  readonly handleKeys: readonly [string, ...string[]];
}

export interface ApiGrant {
  /** The verified e-mail address. */
  readonly principal: string;
  readonly namespace: Namespace;
  readonly roles: readonly ('agent' | 'operator' | 'reader')[];
}

/** Who the bare development token is. */
export const DEVELOPER = 'developer@localhost';

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

/** What a deployment on Google Cloud, or on the emulators, is set up by. */
const CLOUD = z.object({
  GOOGLE_CLOUD_PROJECT: text(/^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]$/, "the project's id"),
  AGENT_ONCE_DATABASE: text(
    /^(?:\(default\)|[a-z][a-z0-9-]{2,62})$/,
    "the Firestore database's id",
  ).default('(default)'),
  AGENT_ONCE_TASK_TOPIC: topic('the name of the topic that tasks are published to'),
  AGENT_ONCE_DEAD_LETTER_TOPIC: topic('the name of the topic that takes what can never be run'),
  AGENT_ONCE_BLOB_BUCKET: text(
    /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
    'the name of the bucket that takes payloads too large for a record',
  ),
  AGENT_ONCE_ARCHIVE_BUCKET: text(
    /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/,
    'the name of the bucket that archived operations are moved to',
  ).optional(),
  AGENT_ONCE_ARCHIVE_TOPIC: topic(
    'the name of the topic whose messages each have one shard archived',
  ).optional(),
  AGENT_ONCE_STATE_HISTORY_TOPIC: topic(
    'the name of the topic that every version of state is published to',
  ).optional(),
  FUNCTION_TIMEOUT_SECONDS: whole(1, 3_600, "the function's timeout, in whole seconds"),
  AGENT_ONCE_ACK_DEADLINE_SECONDS: whole(
    10,
    600,
    "the push subscription's acknowledgement deadline, in whole seconds from 10 to 600",
  ),
});

const EMBEDDED_PREFIX = 'embedded:';

/** What a deployment on one machine is set up by. */
const EMBEDDED = z.object({
  AGENT_ONCE_STORE: z.string().transform((store) => store.slice(EMBEDDED_PREFIX.length)),
  GOOGLE_CLOUD_PROJECT: CLOUD.shape.GOOGLE_CLOUD_PROJECT.optional(),
  FUNCTION_TIMEOUT_SECONDS: CLOUD.shape.FUNCTION_TIMEOUT_SECONDS.default(540),
  AGENT_ONCE_ACK_DEADLINE_SECONDS: CLOUD.shape.AGENT_ONCE_ACK_DEADLINE_SECONDS.default(600),
});

const PUSH = z.object({
  AGENT_ONCE_PUSH_AUDIENCE: text(
    /^\S+$/,
    "the audience of the push subscription's OIDC tokens, often its endpoint's URL",
  ),
  AGENT_ONCE_PUSH_SERVICE_ACCOUNT: text(
    /^[^@\s]+@[^@\s]+$/,
    'the e-mail address of the service account that the push subscription signs as',
  ),
});

const HTTP_REQUEST = z.object({
  AGENT_ONCE_HTTP_ORIGINS: z
    .string()
    .transform((list) => list.split(',').map((origin) => origin.trim()))
    .refine(
      (origins) => origins.every(isOrigin),
      'origins that http.request may call, by commas, like https://agents.example.com without a path',
    ),
  AGENT_ONCE_HTTP_EFFECT: z.enum(
    ['pure', 'idempotent', 'once'],
    'what calling those origins twice would mean: pure, idempotent or once',
  ),
});

const PRINCIPALS =
  'a JSON array like [{"principal":"agent@shop-1.iam.gserviceaccount.com","namespace":"shop",' +
  '"roles":["agent"]}], the roles of agent, operator and reader';

const GRANTS = z
  .array(
    z.strictObject(
      {
        principal: z.string(PRINCIPALS).regex(/^[^@\s]+@[^@\s]+$/, PRINCIPALS),
        namespace: z.string(PRINCIPALS).regex(NAMESPACE_PATTERN, PRINCIPALS),
        roles: z.array(z.enum(['agent', 'operator', 'reader'], PRINCIPALS), PRINCIPALS).min(1),
      },
      PRINCIPALS,
    ),
    PRINCIPALS,
  )
  .transform((grants) => grants as unknown as ApiGrant[]);

const HANDLE_KEY =
  'a secret of at least 32 random bytes in base64url (openssl rand -base64 48 | tr +/ -_), the same for ' +
  'all instances; while it is being replaced, the new one and the old one by a comma';

const API = z.object({
  AGENT_ONCE_API_PRINCIPALS: z
    .string(PRINCIPALS)
    .transform((json, context) => {
      try {
        return JSON.parse(json) as unknown;
      } catch {
        context.addIssue({ code: 'custom', message: PRINCIPALS });
        return z.NEVER;
      }
    })
    .pipe(GRANTS),
  AGENT_ONCE_API_RATE: whole(
    1,
    100_000,
    'how many requests a second one caller may send to one instance, from 1 to 100000',
  ).default(500),
});

const HANDLE_KEYS = z
  .string(HANDLE_KEY)
  .regex(/^[\w-]{43,128}(?:,[\w-]{43,128})?$/, HANDLE_KEY)
  .transform((keys) => keys.split(',') as [string, ...string[]]);

const API_OIDC = API.extend({
  AGENT_ONCE_API_HANDLE_KEY: HANDLE_KEYS,
  AGENT_ONCE_API_AUDIENCE: text(
    /^\S+$/,
    "the audience of callers' ID tokens, often the service's URL",
  ),
});

const API_DEVELOPMENT = z.object({
  AGENT_ONCE_API_PRINCIPALS: API.shape.AGENT_ONCE_API_PRINCIPALS.optional(),
  AGENT_ONCE_API_RATE: API.shape.AGENT_ONCE_API_RATE,
  AGENT_ONCE_API_HANDLE_KEY: HANDLE_KEYS.optional(),
  AGENT_ONCE_API_DEVELOPMENT_TOKEN: text(
    /^[\w-]{8,128}$/,
    'letters, digits, _ and -, at least 8 of them',
  ),
});

/** Whose values no message shows. */
const SECRETS: ReadonlySet<string> = new Set([
  'AGENT_ONCE_API_DEVELOPMENT_TOKEN',
  'AGENT_ONCE_API_HANDLE_KEY',
]);

const HTTP_REQUEST_TIMEOUT_MS = 30_000;

/** The rest of a function's timeout is for the batch in hand. */
const ARCHIVE_SHARE = 0.5;

/** What a deployment's timeouts are checked against. */
export interface Budget {
  readonly action: string;
  readonly timeoutMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

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

interface ReadBackend {
  readonly backend: Config['backend'];
  readonly archive?: ArchiveConfig;
  readonly functionSeconds: number;
  readonly ackSeconds: number;
}

function readBackend(given: Environment, faults: string[]): ReadBackend | undefined {
  const store = given['AGENT_ONCE_STORE'] ?? 'firestore';
  if (store.startsWith(EMBEDDED_PREFIX) && store !== EMBEDDED_PREFIX) {
    const values = read(EMBEDDED, given, faults);
    if (!values) return undefined;
    const { AGENT_ONCE_STORE: file, GOOGLE_CLOUD_PROJECT: project } = values;
    const backend = { kind: 'embedded' as const, file, ...(project !== undefined && { project }) };
    return { backend, ...secondsOf(values) };
  }
  if (store !== 'firestore') {
    faults.push(fault('AGENT_ONCE_STORE', store, 'firestore, or embedded: and the path of a file'));
  }
  const values = read(CLOUD, given, faults);
  if (!values) return undefined;
  if (values.AGENT_ONCE_TASK_TOPIC === values.AGENT_ONCE_DEAD_LETTER_TOPIC) {
    const name = 'AGENT_ONCE_DEAD_LETTER_TOPIC';
    faults.push(fault(name, values[name], 'another topic than AGENT_ONCE_TASK_TOPIC'));
  }
  const { AGENT_ONCE_ARCHIVE_BUCKET: archiveBucket, AGENT_ONCE_ARCHIVE_TOPIC: topicName } = values;
  if (archiveBucket === values.AGENT_ONCE_BLOB_BUCKET) {
    const expected = 'another bucket than AGENT_ONCE_BLOB_BUCKET: its objects age and are locked';
    faults.push(fault('AGENT_ONCE_ARCHIVE_BUCKET', archiveBucket, expected));
  }
  if (topicName !== undefined && archiveBucket === undefined) {
    const expected = 'set where AGENT_ONCE_ARCHIVE_TOPIC is: the bucket to archive to';
    faults.push(fault('AGENT_ONCE_ARCHIVE_BUCKET', undefined, expected));
  }
  const { AGENT_ONCE_STATE_HISTORY_TOPIC: stateHistoryTopic } = values;
  const budgetMs = values.FUNCTION_TIMEOUT_SECONDS * 1_000 * ARCHIVE_SHARE;
  const archive = topicName !== undefined && { archive: { topic: topicName, budgetMs } };
  const backend = {
    kind: 'cloud' as const,
    project: values.GOOGLE_CLOUD_PROJECT,
    database: values.AGENT_ONCE_DATABASE,
    taskTopic: values.AGENT_ONCE_TASK_TOPIC,
    deadLetterTopic: values.AGENT_ONCE_DEAD_LETTER_TOPIC,
    blobBucket: values.AGENT_ONCE_BLOB_BUCKET,
    ...(archiveBucket !== undefined && { archiveBucket }),
    ...(stateHistoryTopic !== undefined && { stateHistoryTopic }),
  };
  return { backend, ...archive, ...secondsOf(values) };
}

function secondsOf(values: {
  FUNCTION_TIMEOUT_SECONDS: number;
  AGENT_ONCE_ACK_DEADLINE_SECONDS: number;
}): Pick<ReadBackend, 'functionSeconds' | 'ackSeconds'> {
  return {
    functionSeconds: values.FUNCTION_TIMEOUT_SECONDS,
    ackSeconds: values.AGENT_ONCE_ACK_DEADLINE_SECONDS,
  };
}

function readPush(given: Environment, faults: string[]): PushVerification | undefined {
  const emulator = given['PUBSUB_EMULATOR_HOST'];
  if (emulator === undefined) {
    const values = read(PUSH, given, faults);
    if (!values) return undefined;
    const { AGENT_ONCE_PUSH_AUDIENCE: audience, AGENT_ONCE_PUSH_SERVICE_ACCOUNT: serviceAccount } =
      values;
    return { verify: 'oidc', audience, serviceAccount, ...behindIam(given) };
  }
  if (onCloudRun(given)) {
    const expected = 'unset on Cloud Run, where it would let anyone push';
    faults.push(fault('PUBSUB_EMULATOR_HOST', emulator, expected));
  }
  return { verify: 'off' };
}

/** The functions emulator of Firebase sets K_SERVICE as well. */
function onCloudRun(given: Environment): boolean {
  return given['K_SERVICE'] !== undefined && given['FUNCTIONS_EMULATOR'] !== 'true';
}

/**
 * That Cloud Run's IAM lets only its invokers in, and takes the signature out of their tokens. Being on
 * Cloud Run does not say so: a service that anybody may invoke is there too, and its callers' tokens come
 * as they were sent.
 */
function behindIam(given: Environment): { readonly verifiedByIam?: true } {
  const told = given['AGENT_ONCE_IAM_CHECKS_CALLERS'] === 'true';
  return told && onCloudRun(given) ? { verifiedByIam: true } : {};
}

function readHttpRequest(given: Environment, faults: string[]): HttpRequestConfig | undefined {
  if (given['AGENT_ONCE_HTTP_ORIGINS'] === undefined) return undefined;
  const values = read(HTTP_REQUEST, given, faults);
  if (!values) return undefined;
  const { AGENT_ONCE_HTTP_ORIGINS: origins, AGENT_ONCE_HTTP_EFFECT: effect } = values;
  return { origins, effect, timeoutMs: HTTP_REQUEST_TIMEOUT_MS };
}

function readApi(
  given: Environment,
  namespace: Namespace | undefined,
  faults: string[],
): ApiConfig | undefined {
  const development = given['AGENT_ONCE_API_DEVELOPMENT_TOKEN'];
  if (development === undefined) {
    if (given['AGENT_ONCE_API_AUDIENCE'] === undefined) return undefined;
    const values = read(API_OIDC, given, faults);
    if (!values) return undefined;
    return {
      caller: { verify: 'oidc', audience: values.AGENT_ONCE_API_AUDIENCE, ...behindIam(given) },
      grants: values.AGENT_ONCE_API_PRINCIPALS,
      ratePerSecond: values.AGENT_ONCE_API_RATE,
      handleKeys: values.AGENT_ONCE_API_HANDLE_KEY,
    };
  }
  const emulated =
    given['FIRESTORE_EMULATOR_HOST'] !== undefined ||
    given['AGENT_ONCE_STORE']?.startsWith(EMBEDDED_PREFIX) === true;
  if (onCloudRun(given) || !emulated || given['AGENT_ONCE_API_AUDIENCE'] !== undefined) {
    const why =
      'unset, unless the store is an emulator or embedded and no AGENT_ONCE_API_AUDIENCE is set: ' +
      'whoever has it may do anything';
    faults.push(`AGENT_ONCE_API_DEVELOPMENT_TOKEN is set. It should be ${why}.`);
  }
  const values = read(API_DEVELOPMENT, given, faults);
  if (!values || namespace === undefined) return undefined;
  const developer: ApiGrant = { principal: DEVELOPER, namespace, roles: ['agent', 'operator'] };
  const { AGENT_ONCE_API_DEVELOPMENT_TOKEN: token } = values;
  return {
    caller: { verify: 'development', token },
    grants: [developer, ...(values.AGENT_ONCE_API_PRINCIPALS ?? [])],
    ratePerSecond: values.AGENT_ONCE_API_RATE,
    handleKeys: values.AGENT_ONCE_API_HANDLE_KEY ?? [`development:${token}`],
  };
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

function read<Schema extends z.ZodType>(
  schema: Schema,
  given: Environment,
  faults: string[],
): z.output<Schema> | undefined {
  const { data, error } = schema.safeParse(given);
  for (const { path, message } of error?.issues ?? []) {
    const name = String(path[0]);
    faults.push(fault(name, given[name], message));
  }
  return data;
}

function fault(name: string, value: string | undefined, expected: string): string {
  if (value === undefined) return `${name} is missing. It should be ${expected}.`;
  if (SECRETS.has(name)) return `${name} is set, but not usable. It should be ${expected}.`;
  const shown = value.length <= 80 ? value : `${value.slice(0, 80)}…`;
  return `${name} is ${JSON.stringify(shown)}. It should be ${expected}.`;
}

function text(pattern: RegExp, expected: string): z.ZodString {
  return z.string(expected).regex(pattern, expected);
}

function whole(least: number, most: number, expected: string) {
  return z
    .string(expected)
    .regex(/^\d{1,6}$/, expected)
    .transform(Number)
    .pipe(z.int(expected).min(least, expected).max(most, expected));
}

function topic(expected: string): z.ZodString {
  return text(
    /^(?:projects\/[^/]+\/topics\/)?[A-Za-z][\w.~+%-]{2,254}$/,
    `${expected}, 3 to 255 characters`,
  );
}

function isOrigin(origin: string): boolean {
  return /^https?:/.test(origin) && URL.canParse(origin) && new URL(origin).origin === origin;
}

function deepFrozen<T extends object>(value: T): T {
  for (const inner of Object.values(value) as unknown[]) {
    if (typeof inner === 'object' && inner !== null) deepFrozen(inner);
  }
  return Object.freeze(value);
}
