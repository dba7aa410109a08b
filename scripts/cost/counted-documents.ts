import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import type { WorkflowDocuments } from '../../functions/src/ports/workflow-documents.ts';

/** Documents that Firestore would bill. */
export interface Counts {
  readonly writes: number;
  readonly reads: number;
  readonly deletes: number;
}

type Documents = OperationDocuments & WorkflowDocuments;

/**
 * The same documents, counted as Firestore bills them: by document, a query at least once. Writes that are
 * refused are counted too, so that what is told is never too little.
 */
export function countedDocuments(documents: Documents): {
  readonly documents: Documents;
  /** The counts so far, from zero again after each call. */
  take(): Counts;
} {
  let writes = 0;
  let reads = 0;
  const read = <T>(count: number, answer: T): T => {
    reads += count;
    return answer;
  };
  const wrote = <T>(count: number, answer: T): T => {
    writes += count;
    return answer;
  };
  return {
    documents: {
      ...documents,
      create: (...asked) => wrote(1, documents.create(...asked)),
      update: (...asked) => wrote(1, documents.update(...asked)),
      commit: (all) => wrote(all.length, documents.commit(all)),
      read: (ids) => read(ids.length, documents.read(ids)),
      readWorkflow: (id) => read(1, documents.readWorkflow(id)),
      transact(ids, decide) {
        reads += ids.length;
        return documents.transact(ids, (found) => {
          const order = decide(found);
          return order.kind === 'nothing' ? order : wrote(1, order);
        });
      },
      async select(...asked) {
        const answer = await documents.select(...asked);
        return read(Math.max(1, answer.found.length), answer);
      },
      async selectWorkflows(...asked) {
        const answer = await documents.selectWorkflows(...asked);
        return read(Math.max(1, answer.found.length), answer);
      },
    },
    take() {
      const taken = { writes, reads, deletes: 0 };
      writes = 0;
      reads = 0;
      return taken;
    },
  };
}
