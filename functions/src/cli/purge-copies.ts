import { whyNotErasable } from '../engine/cold-erase.ts';
import { copiesOfHot, purgeHotCopies, whyCopiesKept } from '../engine/purge-hot-copies.ts';
import type { StoredOperation } from '../operation/record.ts';
import type { Context } from './context.ts';

/** Why a hot operation's payload can't be erased. To be asked before its purge is signed. */
export async function whyNotPurged(
  { runtime }: Context,
  found: StoredOperation,
): Promise<string | undefined> {
  const { store, cold } = runtime;
  const kept = await whyNotErasable(runtime, found.record);
  if (kept !== undefined || !cold || copiesOfHot(found, store.now()) !== 'maybe') return kept;
  return whyCopiesKept(runtime, cold, found.record);
}

/** Erases what cold storage holds of a hot operation, `seen` as it stood before it was purged; or says when it can be. */
export async function purgeCopies(
  { runtime, terminal }: Context,
  seen: StoredOperation,
): Promise<void> {
  const { store, cold } = runtime;
  if (!cold) return;
  switch (copiesOfHot(seen, store.now())) {
    case 'none':
      return;
    case 'maybe':
      return purgeHotCopies(runtime, cold, seen.record);
    case 'maybe in the making':
      terminal.err(
        'Cold storage may hold copies of its payload: archiving may have begun. ' +
          'Purge it again after an hour, to have them erased as well.\n',
      );
  }
}
