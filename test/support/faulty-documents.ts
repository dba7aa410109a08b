import { StoreAway } from '../../functions/src/operation/errors.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';

/**
 * What can become of a write on its way to a store and back.
 *
 * - `answer lost`: it is applied, and its sender hears nothing.
 * - `request lost`: it is not applied, and its sender hears nothing.
 * - `repeated`: it is applied, its answer is lost, and the client library sends it once more: what its
 *   sender hears is the refusal of that repetition.
 */
export type WriteFate = 'answer lost' | 'request lost' | 'repeated';

export interface FaultyDocuments extends OperationDocuments {
  /** Befalls the next write. */
  befall(fate: WriteFate): void;
  /** How many writes were sent, repetitions not counted. */
  writes(): number;
}

/** Documents behind a network: writes fare as told, everything else passes unchanged. */
export function faultyDocuments(documents: OperationDocuments): FaultyDocuments {
  const fates: WriteFate[] = [];
  let writes = 0;

  async function writing<Answer>(write: () => Promise<Answer>): Promise<Answer> {
    writes += 1;
    const fate = fates.shift();
    if (fate === undefined) return write();
    if (fate !== 'request lost') await write();
    if (fate === 'repeated') return write();
    throw new StoreAway(`The ${fate.replace(' lost', '')} was lost on its way.`);
  }

  return {
    ...documents,
    create: (id, record) => writing(() => documents.create(id, record)),
    update: (id, revision, patch) => writing(() => documents.update(id, revision, patch)),
    transact: (ids, decide) => writing(() => documents.transact(ids, decide)),
    befall: (fate) => void fates.push(fate),
    writes: () => writes,
  };
}
