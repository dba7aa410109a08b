import type { ArchivedRecord, StoredOperation } from '../operation/record.ts';
import type { HotRecord } from '../retention/archive-plan.ts';
import { shownToken } from '../token/token.ts';
import type { Namespace, Token } from '../token/token.ts';
import { packText, unpackText } from './payload.ts';
import { readCold } from './read-cold.ts';
import type { Runtime } from './runtime.ts';

export interface RestoredBy {
  readonly actor: string;
  readonly reason: string;
  /** Store time that the record is signed with. Default: now. */
  readonly at?: number;
}

export type RestoreAnswer =
  | { readonly kind: 'restored'; readonly found: StoredOperation }
  /** It was hot already, or is by now. */
  | { readonly kind: 'hot'; readonly found: StoredOperation }
  | { readonly kind: 'absent' };

const MAX_ROUNDS = 3;

/**
 * Puts an archived operation back into the store, with a full life from now, its large result included. Its
 * copies stay in cold storage, and are ignored from then on. Asked again, it finds the operation hot.
 *
 * @throws {PayloadGone} where there is nothing to restore it from
 */
export async function restoreOperation(
  runtime: Runtime,
  namespace: Namespace,
  token: Token,
  by: RestoredBy,
): Promise<RestoreAnswer> {
  const { store } = runtime;
  let wrote = false;
  for (let round = 0; ; round += 1) {
    const found = await store.get(namespace, token);
    if (!found) return { kind: 'absent' };
    const { record } = found;
    if (record.status !== 'archived') return { kind: wrote ? 'restored' : 'hot', found };
    if (round === MAX_ROUNDS) {
      throw new Error(
        `Operation ${shownToken(token)} kept changing while it was being restored. Try again.`,
      );
    }
    const payload = await withHotBlob(runtime, await readCold(runtime, record), record);
    const answer = await store.restore({ ...found, record }, payload, by);
    wrote = answer.kind === 'settled';
  }
}

/**
 * The record with its large result in the blob store again, durable there. The copy in cold storage may be
 * deleted for its age, which nobody can renew: so this one has a name of its own, and is a copy of its own
 * where it is archived again.
 */
async function withHotBlob(
  { blobs }: Runtime,
  from: HotRecord,
  stub: ArchivedRecord,
): Promise<HotRecord> {
  if (from.status !== 'completed' || from.result.kind !== 'blob') return from;
  const text = await unpackText(from.result, blobs);
  const result = await packText(text, blobs, {
    namespace: stub.namespace,
    token: stub.token,
    claimId: `restored under fence ${stub.fence + 1}`,
  });
  return { ...from, result };
}

export interface RestoredRoot {
  readonly restored: number;
  /** Already hot. */
  readonly hot: number;
}

const PAGE = 100;

/** Restores every archived operation under a root token, each by `restore`. */
export async function restoreRoot(
  runtime: Runtime,
  namespace: Namespace,
  root: Token,
  by: RestoredBy,
  restore: typeof restoreOperation = restoreOperation,
): Promise<RestoredRoot> {
  let [restored, hot] = [0, 0];
  let after: string | undefined;
  do {
    const page = { limit: PAGE, ...(after !== undefined && { after }) };
    const { operations, next } = await runtime.store.ledger(namespace, root, page);
    for (const { record } of operations) {
      const stub = record.status === 'archived' ? record : undefined;
      const answer = stub && (await restore(runtime, namespace, stub.token, by));
      if (answer?.kind === 'restored') restored += 1;
      else hot += 1;
    }
    after = next;
  } while (after !== undefined);
  return { restored, hot };
}
