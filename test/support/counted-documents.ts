import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import type { WorkflowDocuments } from '../../functions/src/ports/workflow-documents.ts';

export interface Calls {
  /** Requests that write, and the documents that they wrote. */
  commits: number;
  writes: number;
  /** Requests that read. */
  reads: number;
}

/** The same documents, with every request to the store counted by what it does. */
export function countedDocuments(documents: OperationDocuments & WorkflowDocuments): {
  documents: OperationDocuments & WorkflowDocuments;
  calls: Calls;
} {
  const calls: Calls = { commits: 0, writes: 0, reads: 0 };
  function wrote(count: number): void {
    calls.commits += 1;
    calls.writes += count;
  }
  return {
    calls,
    documents: {
      ...documents,
      create: (...asked) => (wrote(1), documents.create(...asked)),
      update: (...asked) => (wrote(1), documents.update(...asked)),
      commit: (writes) => (wrote(writes.length), documents.commit(writes)),
      read: (ids) => ((calls.reads += 1), documents.read(ids)),
      readWorkflow: (id) => ((calls.reads += 1), documents.readWorkflow(id)),
    },
  };
}
