import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';

const AHEAD = 'ahead:';

/**
 * The same pages, a number of them from one query. The emulator goes through the whole collection for each
 * query, as Firestore does not: so a test of many operations would be one of the emulator's scans.
 */
export function readAhead(documents: OperationDocuments, operations: number): OperationDocuments {
  let ahead: Awaited<ReturnType<OperationDocuments['select']>>;
  return {
    ...documents,
    async select(selection, { limit, after }) {
      const from = after?.startsWith(AHEAD) ? Number(after.slice(AHEAD.length)) : 0;
      if (from === 0) {
        const page = { limit: operations, ...(after !== undefined && { after }) };
        ahead = await documents.select(selection, page);
      }
      const to = from + limit;
      const found = ahead.found.slice(from, to);
      return to < ahead.found.length
        ? { ...ahead, found, next: `${AHEAD}${to}` }
        : { ...ahead, found };
    },
  };
}
