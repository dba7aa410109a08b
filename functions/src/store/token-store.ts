import type { ClaimRequest } from '../operation/claim.ts';
import { StoreAway } from '../operation/errors.ts';
import type { StoredOperation } from '../operation/record.ts';
import type { OperationDocuments, Selection } from '../ports/operation-documents.ts';
import type { WorkflowDocuments } from '../ports/workflow-documents.ts';
import type { Listing, Page, TokenStore } from '../ports/token-store.ts';
import { documentId, shownToken } from '../token/token.ts';
import { purgeStub, restore } from './archive-restore.ts';
import { archive, repoint } from './archive.ts';
import { claim } from './claim.ts';
import { cancelledOver, cancelledUnclaimed, patched } from './new-record.ts';
import { record } from './record.ts';
import { override } from './override.ts';
import { slide } from './slide.ts';
import { complete, doubt, fail, giveBack, release, renew, start } from './settle.ts';
import { unlessUnknown } from './unknown.ts';
import { createWorkflowStore, keepsWorkflows } from './workflow-store.ts';

export interface TokenStoreOptions {
  /** Over how many shards sweeps and archiving are spread. Fixed for the life of a store. */
  readonly shards?: number;
}

/** The token store's verbs over any technology that offers single documents with conditional writes. */
export function createTokenStore(
  documents: OperationDocuments & Partial<WorkflowDocuments>,
  { shards = 16 }: TokenStoreOptions = {},
): TokenStore {
  const idOf = documentId;

  async function select(selection: Selection, page: Page): Promise<Listing> {
    const { found, next } = await documents.select(selection, page);
    return next === undefined ? { operations: found } : { operations: found, next };
  }

  return {
    name: documents.name,
    shards,
    now: () => documents.now(),
    ...(keepsWorkflows(documents) && {
      workflows: createWorkflowStore(documents, () => documents.now()),
    }),
    claim: (request) => claim(documents, shards, request),
    start: (held, trackingId) => start(documents, held, trackingId),
    renew: (held) => renew(documents, held),
    complete: (held, completion, also) => complete(documents, held, completion, also),
    fail: (held, error, also) => fail(documents, held, error, also),
    release: (held, terms) => release(documents, held, terms),
    giveBack: (held) => giveBack(documents, held),
    doubt: (held, error, also) => doubt(documents, held, error, also),
    record: (request) => record(documents, shards, request),
    cancel: (request, reason) => cancel(documents, shards, request, reason),
    override: (namespace, token, request) => override(documents, namespace, token, request),

    async markSent(namespace, token, revision) {
      const patch = { sent: true, dueAt: null, outbox: null, task: null };
      await unlessUnknown(() => documents.update(idOf(namespace, token), revision, patch));
    },

    slide: (operation) => slide(documents, operation),

    archive: (operation, pointer) => archive(documents, operation, pointer),
    restore: (stub, from, by) => restore(documents, stub, from, by),
    repoint: (stub, pointer) => repoint(documents, stub, pointer),
    purgeStub: (stub, by) => purgeStub(documents, stub, by),

    async get(namespace, token) {
      const { found } = await documents.read([idOf(namespace, token)]);
      return found[0];
    },
    async getMany(namespace, tokens) {
      const { found } = await documents.read(tokens.map((token) => idOf(namespace, token)));
      return found;
    },
    ledger: (namespace, root, page) => select({ by: 'root', namespace, root }, page),
    byStatus: (namespace, status, page) => select({ by: 'status', namespace, status }, page),
    due: (shard, page) => select({ by: 'due', shard, before: documents.now() }, page),
    expired: (shard, page) => select({ by: 'expired', shard, before: documents.now() }, page),
    close: () => documents.close(),
  };
}

const MAX_CANCEL_ROUNDS = 5;

async function cancel(
  documents: OperationDocuments,
  shards: number,
  request: ClaimRequest,
  reason: string,
): Promise<StoredOperation> {
  const id = documentId(request.facts.namespace, request.facts.token);
  const record = cancelledUnclaimed(id, request, reason, shards, documents.now());
  const answer = await unlessUnknown(() => documents.create(id, record));
  if (answer?.kind === 'written') {
    return { record, revision: answer.revision, createdAt: answer.at, updatedAt: answer.at };
  }
  for (let round = 0; round < MAX_CANCEL_ROUNDS; round += 1) {
    const { found, at } = await documents.read([id]);
    const standing = found[0];
    if (!standing) break;
    if (standing.record.status !== 'released' || standing.record.started === true) return standing;
    const patch = cancelledOver(standing.record, request, reason, at);
    const over = await unlessUnknown(() => documents.update(id, standing.revision, patch));
    if (over?.kind === 'written') {
      const { revision, at: updatedAt } = over;
      return { ...standing, record: patched(standing.record, patch), revision, updatedAt };
    }
  }
  throw new StoreAway(
    `Whether token ${shownToken(request.facts.token)} was cancelled is unknown. Ask again.`,
  );
}
