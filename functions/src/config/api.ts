import { z } from 'zod';
import { NAMESPACE_PATTERN } from '../token/token.ts';
import type { Namespace } from '../token/token.ts';
import { EMBEDDED_PREFIX } from './backend.ts';
import { behindIam, onCloudRun } from './cloud-run.ts';
import { read, text, whole } from './settings.ts';
import type { Environment } from './settings.ts';

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

export function readApi(
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
