import type { StoredOperation } from '../../operation/record.ts';
import type { Listing, Page } from '../../ports/token-store.ts';

const PAGE = 200;

/** Every operation of a listing, page by page. */
export async function everyOperation(
  list: (page: Page) => Promise<Listing>,
): Promise<StoredOperation[]> {
  const all: StoredOperation[] = [];
  let after: string | undefined;
  do {
    const { operations, next } = await list({ limit: PAGE, ...(after !== undefined && { after }) });
    all.push(...operations);
    after = next;
  } while (after !== undefined);
  return all;
}
