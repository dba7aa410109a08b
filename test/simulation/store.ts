import type { ClaimIdentity } from '../../functions/src/operation/settle.ts';
import type {
  OperationDocuments,
  WriteAnswer,
} from '../../functions/src/ports/operation-documents.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import { createTokenStore } from '../../functions/src/store/token-store.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import type { World } from './world.ts';

export const SHARDS = 2;

/** On whose authority a document is written: a claim's holder, a person, or whoever claims or marks. */
export type Writer = ClaimIdentity | 'person' | 'anyone';

/** The store's documents as one process reaches them, every write watched. */
export function remoteDocuments(
  world: World,
  instance: Instance,
  writer: Writer,
): OperationDocuments {
  const { table, watch } = world;

  function call<T extends WriteAnswer | { readonly at: number }>(
    what: string,
    perform: () => T,
  ): Promise<T> {
    return remote(world, instance, 'store', what, perform).then((answer) => {
      if ('at' in answer) learnTime(world, instance, answer.at);
      return answer;
    });
  }

  function watched<T>(id: string, write: () => T): T {
    const before = table.standing(id);
    const answer = write();
    const after = table.standing(id);
    if (after && after !== before) watch.wrote(instance, writer, before, after);
    return answer;
  }

  return {
    name: 'simulated',
    now: () => guessTime(world, instance),
    create: (id, record) => call('create', () => watched(id, () => table.create(id, record))),
    update: (id, revision, patch) =>
      call('update', () => watched(id, () => table.update(id, revision, patch))),
    read: (ids) => call('read', () => table.read(ids)),
    transact: (ids, decide) =>
      call('transact', () => watched(ids[0] ?? '', () => table.transact(ids, decide))),
    select: (selection, page) => call('select', () => table.select(selection, page)),
    close: async () => {},
  };
}

/** The real verbs over them. Each holder's writes are known as its own. */
export function remoteStore(
  world: World,
  instance: Instance,
  documentsAs: (writer: Writer) => OperationDocuments = (writer) =>
    remoteDocuments(world, instance, writer),
): TokenStore {
  const { mutant } = world;
  function as(writer: Writer): TokenStore {
    const documents = documentsAs(writer);
    const scene = { world, instance, writer };
    const store = createTokenStore(mutant.documents?.(documents, scene) ?? documents, {
      shards: SHARDS,
    });
    return mutant.store?.(store, scene) ?? store;
  }
  const anyone = as('anyone');
  return {
    ...anyone,
    start: (claim, ...rest) => as(claim).start(claim, ...rest),
    renew: (claim) => as(claim).renew(claim),
    complete: (claim, ...rest) => as(claim).complete(claim, ...rest),
    fail: (claim, ...rest) => as(claim).fail(claim, ...rest),
    giveBack: (claim) => as(claim).giveBack(claim),
    release: (claim, ...rest) => as(claim).release(claim, ...rest),
    doubt: (claim, ...rest) => as(claim).doubt(claim, ...rest),
    override: (...asked) => as('person').override(...asked),
  };
}

/** As the Firestore adapter does: from answers, carried on by the monotonic clock; at first a guess. */
function guessTime(world: World, instance: Instance): number {
  const monotonic = world.scheduler.now() - instance.bornAt;
  return instance.storeAheadMs === undefined
    ? world.now() + instance.skewMs
    : monotonic + instance.storeAheadMs;
}

export function learnTime(world: World, instance: Instance, at: number): void {
  const monotonic = world.scheduler.now() - instance.bornAt;
  instance.storeAheadMs = Math.max(instance.storeAheadMs ?? -Infinity, at - monotonic);
}
