import type { Runtime } from '../../functions/src/engine/runtime.ts';
import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { StoredOperation } from '../../functions/src/operation/record.ts';
import type { TaskMessage } from '../../functions/src/operation/task.ts';
import type { ClaimRequest } from '../../functions/src/operation/claim.ts';
import type {
  OperationDocuments,
  Patch,
  ReadAnswer,
  WriteAnswer,
} from '../../functions/src/ports/operation-documents.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import { decodeCanonical } from '../../functions/src/token/canonical.ts';
import type { Mutant, Scene } from './mutant.ts';
import { remoteDocuments, SHARDS } from './store.ts';

const DONE = { status: 204, deadLetter: false } as const;

/** One broken rule each. Every one of them must be noticed. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: 'fence-unchecked',
    breaks: "a holder's refused write is made again on whatever stands there",
    documents: (documents, { writer }) =>
      typeof writer === 'object' ? forcing(documents, () => true) : documents,
  },
  {
    name: 'completion-unconditional',
    breaks: 'a result is recorded without a condition',
    documents: (documents, { writer }) =>
      typeof writer === 'object' ? forcing(documents, completes) : documents,
  },
  {
    name: 'lease-ignored',
    breaks: 'a live claim is taken over',
    documents: (documents) => reading(documents, (read) => ({ ...read, at: read.at + 60_000 })),
  },
  {
    name: 'lease-by-own-clock',
    breaks: "leases are judged by the process's wall clock",
    documents: (documents, { world, instance }) =>
      reading(documents, (read) => ({ ...read, at: world.now() + instance.skewMs })),
  },
  {
    name: 'fence-not-raised',
    breaks: 'a take-over keeps the fence',
    documents: (documents) =>
      updating(documents, (patch, update) => {
        if (!('claimId' in patch)) return update(patch);
        const { fence: _fence, ...rest } = patch;
        return update(rest);
      }),
  },
  {
    name: 'waiting-time-ignored',
    breaks: 'a released operation is claimed before its time',
    documents: (documents) =>
      reading(documents, (read) => mapFound(read, (found) => withField(found, 'notBefore', 0))),
  },
  {
    name: 'lost-commit-is-failure',
    breaks: 'a completion without an answer counts as failed, and the token is released',
    documents: (documents) => ({
      ...documents,
      async update(id, revision, patch) {
        try {
          return await documents.update(id, revision, patch);
        } catch (error) {
          if (completes(patch)) await documents.update(id, revision, RELEASED).catch(() => {});
          throw error;
        }
      },
    }),
  },
  {
    name: 'lost-start-is-success',
    breaks: 'a start without an answer counts as recorded',
    documents: (documents) =>
      updating(documents, async (patch, update) => {
        try {
          return await update(patch);
        } catch (error) {
          if (patch['started'] !== true) throw error;
          return { kind: 'written', revision: '0', at: documents.now() };
        }
      }),
  },
  {
    name: 'refusal-is-own-write',
    breaks: "a holder's refused write counts as made, without a second look",
    documents: (documents, { writer }) =>
      updating(documents, async (patch, update) => {
        const answer = await update(patch);
        if (answer.kind === 'written' || typeof writer !== 'object') return answer;
        return { kind: 'written', revision: '0', at: documents.now() };
      }),
  },
  {
    name: 'claim-id-unchecked',
    breaks: "after a refused create, whatever claim stands there counts as one's own",
    documents: takingForOwn,
  },
  {
    name: 'released-on-unknown',
    breaks: 'an error after the start frees the operation as if nothing had been sent',
    store: (store) => ({
      ...store,
      release: (claim, terms) => store.release(claim, { ...terms, started: false }),
      doubt: (claim, error) => store.release(claim, { waitMs: 0, started: false, error }),
    }),
  },
  {
    name: 'doubt-forgotten',
    breaks: 'an effect that nobody can be asked about is run again after a lapse',
    documents: (documents) =>
      reading(documents, (read) =>
        mapFound(read, (found) =>
          found.record.effect === 'once' ? withField(found, 'started', undefined) : found,
        ),
      ),
  },
  {
    name: 'provider-unasked',
    breaks: 'a started effect is run again after a lapse without asking the provider',
    store: (store) => ({
      ...store,
      async claim(request) {
        const answer = await store.claim(request);
        if (answer.kind !== 'claimed') return answer;
        return { kind: 'claimed', claim: answer.claim };
      },
    }),
  },
  {
    name: 'absence-believed-at-once',
    breaks: 'what the provider has not seen yet counts as never to come',
    step: (step) => (step.effect === 'reconcilable' ? { ...step, settleMs: 0 } : step),
  },
  {
    name: 'tracking-id-per-attempt',
    breaks: 'each attempt has a tracking id of its own',
    store: (store) => ({
      ...store,
      async claim(request) {
        const answer = await store.claim(request);
        if (answer.kind !== 'claimed') return answer;
        const { trackingId: _known, ...claim } = answer.claim;
        return { ...answer, claim };
      },
    }),
    step: (step) => ({
      ...step,
      run: (context) =>
        step.run({
          ...context,
          start: () => context.start(`${context.idempotencyKey}/${context.attempt}`),
        }),
    }),
  },
  {
    name: 'start-unrecorded',
    breaks: 'an effect is sent before its start is recorded',
    store: (store) => ({
      ...store,
      start: async (claim, trackingId) => ({
        kind: 'held',
        claim: { ...claim, trackingId, started: true },
      }),
    }),
  },
  {
    name: 'lease-not-renewed',
    breaks: 'the heartbeat lengthens the lease only in the mind of its holder',
    store: (store) => ({ ...store, renew: async (claim) => ({ kind: 'held', claim }) }),
  },
  {
    name: 'deadline-unwatched',
    breaks: "the lease's monotonic deadline never comes",
    runtime: (runtime) => ({ ...runtime, clock: { ...runtime.clock, monotonic: () => 0 } }),
  },
  {
    name: 'signal-not-looked-at',
    breaks: 'an effect is sent without a look at the lease',
    step: (step) => ({
      ...step,
      run: (context) => step.run({ ...context, signal: new AbortController().signal }),
    }),
  },
  {
    name: 'store-away-ignored',
    breaks: 'a step is run when no claim could be had',
    store: failingOpen,
  },
  {
    name: 'cached-before-sent',
    breaks: 'a result is cached before its follow-ups are published',
    runtime: cachingAtOnce,
  },
  {
    name: 'published-before-recorded',
    breaks: 'follow-ups are published before the result is on record',
    store: publishingFirst,
  },
  {
    name: 'marked-before-published',
    breaks: 'follow-ups count as sent as soon as they are recorded',
    documents: (documents) =>
      updating(documents, (patch, update) =>
        update(completes(patch) ? { ...patch, sent: true, dueAt: null } : patch),
      ),
  },
  {
    name: 'in-flight-here-acknowledged',
    breaks: 'the message that holds the token is acknowledged by its own redelivery',
    answers: { in_flight_here: DONE },
  },
  {
    name: 'retryable-acknowledged',
    breaks: 'a message is acknowledged though its step is to be run again',
    answers: { retryable_error: DONE },
  },
  {
    name: 'neighbour-by-arrival',
    breaks: 'twins are told by when they arrive, not by when they were made',
    store: decidingByArrival,
  },
];

const RELEASED: Patch = {
  status: 'released',
  leaseMs: null,
  started: null,
  notBefore: 0,
  dueAt: 0,
};

function completes(patch: Patch): boolean {
  return patch['status'] === 'completed';
}

function forcing(
  documents: OperationDocuments,
  applies: (patch: Patch) => boolean,
): OperationDocuments {
  return {
    ...documents,
    async update(id, revision, patch) {
      const answer = await documents.update(id, revision, patch);
      if (answer.kind === 'written' || !applies(patch)) return answer;
      const { found } = await documents.read([id]);
      return found[0] ? documents.update(id, found[0].revision, patch) : answer;
    },
  };
}

function updating(
  documents: OperationDocuments,
  change: (patch: Patch, update: (patch: Patch) => Promise<WriteAnswer>) => Promise<WriteAnswer>,
): OperationDocuments {
  return {
    ...documents,
    update: (id, revision, patch) =>
      change(patch, (changed) => documents.update(id, revision, changed)),
  };
}

function reading(
  documents: OperationDocuments,
  change: (read: ReadAnswer) => ReadAnswer,
): OperationDocuments {
  return { ...documents, read: async (ids) => change(await documents.read(ids)) };
}

function mapFound(
  read: ReadAnswer,
  change: (found: StoredOperation) => StoredOperation,
): ReadAnswer {
  return { ...read, found: read.found.map((found) => found && change(found)) };
}

function withField(found: StoredOperation, name: string, value: unknown): StoredOperation {
  if (!(name in found.record)) return found;
  return { ...found, record: { ...found.record, [name]: value } };
}

function takingForOwn(documents: OperationDocuments): OperationDocuments {
  const created = new Map<string, string>();
  return {
    ...documents,
    create(id, record) {
      created.set(id, record.claimId);
      return documents.create(id, record);
    },
    async read(ids) {
      const read = await documents.read(ids);
      const mine = created.get(ids[0] ?? '');
      if (mine === undefined) return read;
      return mapFound(read, (found) =>
        found.record.status === 'claimed' ? withField(found, 'claimId', mine) : found,
      );
    },
  };
}

function cachingAtOnce(runtime: Runtime): Runtime {
  const { store, cache } = runtime;
  return {
    ...runtime,
    store: {
      ...store,
      async complete(claim, ...rest) {
        const answer = await store.complete(claim, ...rest);
        const found = await store.get(claim.namespace, claim.token);
        if (found?.record.status === 'completed') {
          cache.admit({ ...found, record: { ...found.record, sent: true } });
        }
        return answer;
      },
    },
  };
}

function failingOpen(store: TokenStore): TokenStore {
  return {
    ...store,
    claim: (request) =>
      store.claim(request).catch((error: unknown) => {
        if (!(error instanceof StoreAway)) throw error;
        const { facts, claimId, leaseMs } = request;
        const { namespace, token, retention } = facts;
        return {
          kind: 'claimed',
          claim: {
            namespace,
            token,
            claimId,
            leaseMs,
            fence: 1,
            attempt: 1,
            revision: '1',
            ttlMs: retention.ttlMs,
            effect: facts.effect,
            started: false,
            redrivable: true,
          },
        };
      }),
  };
}

function publishingFirst(store: TokenStore, { world, instance }: Scene): TokenStore {
  return {
    ...store,
    async complete(claim, completion, also) {
      const { outbox } = completion;
      if (outbox?.kind === 'inline') {
        const tasks = decodeCanonical(outbox.text) as readonly TaskMessage[];
        await world.queue.publisherFor(instance).publish(tasks);
      }
      return store.complete(claim, completion, also);
    },
  };
}

function decidingByArrival(store: TokenStore, { world, instance, writer }: Scene): TokenStore {
  const documents = remoteDocuments(world, instance, writer);
  function arrived(read: ReadAnswer, { facts, window }: ClaimRequest): ReadAnswer {
    const length = window?.lengthMs ?? 0;
    return mapFound(read, (found) => {
      const near = read.at - found.createdAt < length;
      return withField(found, 'madeAt', near ? facts.madeAt : facts.madeAt + 2 * length);
    });
  }
  return {
    ...store,
    claim(request) {
      const mutated: OperationDocuments = {
        ...documents,
        transact: async (ids, decide) =>
          arrived(await documents.transact(ids, (read) => decide(arrived(read, request))), request),
      };
      return createTokenStore(mutated, { shards: SHARDS }).claim(request);
    },
  };
}
