import { z } from 'zod';
import { crossFaults } from './environment-faults.ts';

/** How one environment is set up. All that differs between environments is in here. */
export type EnvironmentSettings = z.input<typeof ENVIRONMENT>;
/** The same, checked and with every default filled in. */
export type Environment = Readonly<z.output<typeof ENVIRONMENT>>;

const DAY_MAX = 31;
const ACCOUNT = /^[^@\s]+@[^@\s]+\.gserviceaccount\.com$/;
const MEMBER = /^(?:user|group|serviceAccount):[^@\s]+@[^@\s]+$/;
const EMAIL = /^[^@\s]+@[^@\s]+$/;
const NAMESPACE = /^[a-z][a-z0-9-]{0,62}$/;
const CRON = /^(?:[\d*/,-]+ ){4}[\d*/,-]+$/;

const scaling = (memory: string, concurrency: number, maxInstances: number) =>
  z
    .strictObject({
      memory: text(/^\d+(?:Mi|Gi)$/, 'memory like 512Mi or 1Gi').default(memory),
      cpu: text(/^(?:0\.\d{1,3}|[1-8])$/, 'a number of CPUs like 1').default('1'),
      /** Requests that one instance works on at a time. More than one needs a whole CPU. */
      concurrency: whole(1, 1_000).default(concurrency),
      minInstances: whole(0, 1_000).default(0),
      maxInstances: whole(1, 1_000).default(maxInstances),
    })
    .prefault({});

/** Three tools were called: nothing follows, and no provider is needed. */
const LAST_TURN = {
  goal: 'smoke test',
  turns: ['search', 'book', 'pay'].map((tool) => ({ tool, args: {}, result: null })),
};

const retention = z
  .strictObject({
    /** How long Pub/Sub keeps what is published, delivered or not. */
    messageDays: whole(1, DAY_MAX).default(7),
    deadLetterDays: whole(1, DAY_MAX).default(31),
    /** Firestore's daily backups. */
    backupDays: whole(1, 98).default(14),
    /** How long a deleted object can be had back. */
    softDeleteDays: whole(7, 90).default(7),
    /** When archived operations move to cheaper storage, by their age in days. */
    nearlineAfterDays: whole(1, 3_650).default(30),
    coldlineAfterDays: whole(1, 3_650).default(90),
    archiveAfterDays: whole(1, 3_650).default(365),
    /** When they are deleted; never, if absent. */
    deleteAfterDays: whole(1, 36_500).optional(),
    /** For how long nobody may delete or change an archived object. A locked bucket can't be unlocked. */
    lock: z.strictObject({ days: whole(1, 36_500), locked: z.boolean().default(false) }).optional(),
  })
  .prefault({});

const api = z
  .strictObject({
    ratePerSecond: whole(1, 100_000).default(500),
    /** Of the secret that authenticates claim handles: another one is another deployment. */
    handleKeyVersion: text(/^(?:latest|[1-9]\d*)$/, 'latest, or the number of a version').default(
      'latest',
    ),
    /** Who may call it, for which namespaces. Others are refused by Google before they reach it. */
    grants: z
      .array(
        z.strictObject({
          /** People impersonate one: their own ID tokens can't name an audience. */
          principal: text(ACCOUNT, 'the e-mail address of a service account'),
          namespace: text(NAMESPACE, 'a namespace'),
          roles: z.array(z.enum(['agent', 'operator', 'reader'])).min(1, 'at least one role'),
        }),
      )
      .default([]),
  })
  .prefault({});

const alerts = z
  .strictObject({
    /** Who is told. Without any, alerts show in the console only. */
    emails: z.array(text(EMAIL, 'an e-mail address')).default([]),
    /** Where docs/runbook.md can be read: every alert links to its section. */
    runbookUrl: z.url().optional(),
    duplicatesPercent: z.number().gt(0).max(100).default(5),
    checkP99Ms: z.number().gt(0).default(100),
    archiveLagMinutes: whole(1, 100_000).default(120),
  })
  .prefault({});

const optional = z
  .strictObject({
    redis: z.strictObject({ memoryGb: whole(1, 300), replicated: z.boolean() }).optional(),
    bigtable: z
      .strictObject({ nodes: whole(1, 100), storage: z.enum(['SSD', 'HDD']).default('SSD') })
      .optional(),
    /** A BigQuery data set that keeps every version of state, and views of it as of a time. */
    stateHistory: z.strictObject({ location: text(/^[\w-]+$/, 'a location like EU') }).optional(),
    /** A key of your own for database, buckets and topics: its name from `projects/` on. */
    encryptionKey: text(
      /^projects\/[^/]+\/locations\/[^/]+\/keyRings\/[^/]+\/cryptoKeys\/[^/]+$/,
      'projects/P/locations/L/keyRings/R/cryptoKeys/K',
    ).optional(),
  })
  .prefault({});

const httpRequest = z.strictObject({
  origins: z.array(z.url({ protocol: /^https?$/ })).min(1),
  effect: z.enum(['pure', 'idempotent', 'once']),
});

const ENVIRONMENT = z
  .strictObject({
    name: text(/^[a-z][a-z0-9-]{0,14}$/, 'a short name like dev'),
    project: text(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "a project's id: 6 to 30 characters"),
    region: text(/^[a-z]+-[a-z]+\d$/, 'a region like europe-west1'),
    /** Whose tasks the task topic carries. */
    namespace: text(NAMESPACE, 'lower-case letters, digits and dashes, from a letter'),
    /** A named database, so that access can be given to it alone. */
    database: text(/^[a-z][a-z0-9-]{2,61}[a-z0-9]$/, 'a name of 4 to 63 characters').default(
      'agent-once',
    ),
    /** Whether the database and its backups, the archive and the blobs are safe from `npm run destroy`. */
    protectData: z.boolean().default(true),
    /** Fixed for the life of the store. */
    shards: whole(1, 1_024).default(16),
    functionTimeoutSeconds: whole(1, 590).default(540),
    ackDeadlineSeconds: whole(10, 600).default(600),
    runTask: scaling('512Mi', 20, 100),
    apiService: scaling('512Mi', 80, 20),
    schedules: z
      .strictObject({
        sweep: text(CRON, 'five fields of cron').default('* * * * *'),
        archive: text(CRON, 'five fields of cron').default('0 * * * *'),
      })
      .prefault({}),
    retention,
    api,
    /** Who works with `agent-once` on the command line: intervenes, publishes, reads dead letters, purges. */
    operators: z.array(text(MEMBER, 'a member like group:on-call@example.com')).default([]),
    alerts,
    optional,
    httpRequest: httpRequest.optional(),
    /** What is published twice after a deployment, to see it run once: the example's last turn. */
    smokeTask: z
      .strictObject({ action: text(/^[a-z][a-z0-9_.]+$/, 'an action'), params: z.json() })
      .default({ action: 'planner.turn', params: LAST_TURN }),
    /** Variables that your own steps read. Not for secrets. */
    variables: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), z.string()).default({}),
  })
  .superRefine((environment, context) => {
    for (const [path, message] of crossFaults(environment)) {
      context.addIssue({ code: 'custom', path: path.split('.'), message });
    }
  });

/** Settings are wrong: all of them are named at once. */
export class EnvironmentError extends Error {
  override readonly name = 'EnvironmentError';
}

/** @throws {EnvironmentError} naming every setting that is wrong, and what it should be */
export function parseEnvironment(settings: unknown): Environment {
  const { data, error } = ENVIRONMENT.safeParse(settings);
  if (data) return data;
  const faults = error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
  throw new EnvironmentError(`The environment can't be used:\n  ${faults.join('\n  ')}`);
}

function text(pattern: RegExp, expected: string): z.ZodString {
  return z.string(`must be ${expected}`).regex(pattern, `must be ${expected}`);
}

function whole(least: number, most: number): z.ZodInt {
  const expected = `must be a whole number from ${least} to ${most}`;
  return z.int(expected).min(least, expected).max(most, expected);
}
