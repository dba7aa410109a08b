import { createClient, googleIdentity, ServiceAway, ServiceProblem } from '../client/index.ts';
import type { Client, Intervention, Operation, Page } from '../client/index.ts';
import { encodeCanonical } from '../token/canonical.ts';
import { Failure } from './failure.ts';
import type { ExitName } from './failure.ts';
import type { Operations, Wanted } from './operations.ts';
import type { OperationView } from './operation-view.ts';
import { viewFromService } from './service-seen.ts';

export interface ServiceTarget {
  readonly url: string;
  /** A bearer token. Without one, the account that this runs as on Google Cloud. */
  readonly token?: string;
  readonly namespace?: string;
}

/** A person is waiting: say that the service is away rather than go on trying. */
const ANSWER_MS = 7_000;

/** The operations of one namespace, through the service. */
export function serviceOperations(target: ServiceTarget, invocation: string): Operations {
  const { url, namespace } = target;
  const client = createClient({
    url,
    token: target.token ?? googleIdentity(url),
    deadlineMs: ANSWER_MS,
    ...(namespace !== undefined && { namespace }),
  });
  const view = (operation: Operation): OperationView =>
    viewFromService(operation, Date.now(), invocation);
  const at = namespace === undefined ? url : `namespace "${namespace}" at ${url}`;

  return {
    place: at,
    elsewhere: 'It was never claimed, is forgotten, or belongs to another namespace.',
    async look(token) {
      const found = await asked(target, () => client.get({ token }));
      return found && view(found);
    },
    async ledger(root) {
      const all = await everyOperation(target, (page) => client.ledger(root, page));
      return all.map(view);
    },
    async inDoubt() {
      const all = await everyOperation(target, (page) => client.byStatus('in_doubt', page));
      return all.map(view);
    },
    async intervene(token, wanted, { actor, reason }) {
      if (actor !== undefined) {
        throw new Failure('usage', '--actor: the service records who it has verified you to be.');
      }
      return view(await asked(target, () => intervened(client, token, wanted, reason, at)));
    },
  };
}

async function everyOperation(
  target: ServiceTarget,
  list: (page: Page) => ReturnType<Client['ledger']>,
): Promise<readonly Operation[]> {
  const all: Operation[] = [];
  let after: string | undefined;
  do {
    const page = after === undefined ? {} : { after };
    const listed = await asked(target, () => list(page));
    all.push(...listed.operations);
    after = listed.next;
  } while (after !== undefined);
  return all;
}

export function notServed(command: string, url: string): Failure {
  return new Failure('usage', `The service at ${url} does not offer ${command}.`, {
    advice: 'Give the store instead: --store firestore --project ID.',
  });
}

async function intervened(
  client: Client,
  token: string,
  wanted: Wanted,
  reason: string,
  place: string,
): Promise<Operation> {
  const seen = await client.get({ token });
  if (!seen) throw new Failure('notFound', `No operation ${token} in ${place}.`);
  if (isDoneAlready(seen, wanted)) return seen;
  try {
    const { operation } = await client.intervene(token, requestOf(wanted, reason, seen.fence));
    return operation;
  } catch (error) {
    if (!(error instanceof ServiceProblem) || error.problem.code !== 'stale') throw error;
    // A repetition of this very request, whose first answer was lost, is as stale as another's.
    const now = await client.get({ token });
    const own = now?.override?.verb === wanted.verb && now.override.reason === reason;
    if (now && own && now.fence === seen.fence + 1) return now;
    throw error;
  }
}

/** The same verdict given again. */
function isDoneAlready({ override, state, result }: Operation, wanted: Wanted): boolean {
  if (override?.verb !== wanted.verb) return false;
  if (wanted.verb === 'resolve_not_done') return state === 'free' || state === 'in_flight';
  if (wanted.verb !== 'resolve_done' || state !== 'completed') return false;
  return JSON.stringify(result) === JSON.stringify(tagged(wanted.result));
}

function requestOf(wanted: Wanted, reason: string, fence: number): Intervention {
  const signed = { reason, fence };
  return wanted.verb === 'resolve_done'
    ? { verb: wanted.verb, result: tagged(wanted.result), ...signed }
    : { ...wanted, ...signed };
}

/** JSON with the tags of canonical text. */
function tagged(value: unknown): unknown {
  return JSON.parse(encodeCanonical(value)) as unknown;
}

const EXITS: Readonly<Record<string, Exclude<ExitName, 'ok'>>> = {
  absent: 'notFound',
  invalid: 'usage',
  unauthenticated: 'refused',
  forbidden: 'refused',
  refused: 'refused',
  stale: 'refused',
  store_away: 'storeAway',
  unavailable: 'storeAway',
  rate_limited: 'storeAway',
};

async function asked<T>({ url, token }: ServiceTarget, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof ServiceProblem) {
      const { code, detail, advice, faults = [] } = error.problem;
      const why = [detail, ...faults].join(' ');
      throw new Failure(EXITS[code] ?? 'failed', why, { advice, cause: error });
    }
    if (!(error instanceof ServiceAway)) throw error;
    const identity = token === undefined ? ' Off Google Cloud, AGENT_ONCE_TOKEN is needed.' : '';
    const message = `The service at ${url} can’t be reached. ${error.message}${identity}`;
    throw new Failure('storeAway', message, {
      advice: 'Whether a change asked for was made is unknown: look, then ask again.',
      cause: error,
    });
  }
}
