import { StoreAway } from '../operation/errors.ts';
import type { OperationRecord, StoredOperation } from '../operation/record.ts';
import type { OperationDocuments, Patch } from '../ports/operation-documents.ts';
import type { SettleAnswer } from '../ports/token-store.ts';
import { documentId, shownToken } from '../token/token.ts';
import { unlessUnknown } from './unknown.ts';

const MAX_ROUNDS = 5;

/**
 * One write conditional on the revision that was looked at. Where the answer is a refusal or does not
 * come, what stands there tells whether it was this write. Where the store refused it and it stands
 * nevertheless, somebody else wrote the same before.
 */
export async function writeOver(
  documents: OperationDocuments,
  { record, revision }: StoredOperation,
  patch: Patch,
  isThis: (standing: OperationRecord) => boolean,
): Promise<SettleAnswer> {
  const id = documentId(record.namespace, record.token);
  let unknown = false;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const answer = await unlessUnknown(() => documents.update(id, revision, patch));
    if (answer?.kind === 'written') {
      return { kind: 'settled', revision: answer.revision, at: answer.at };
    }
    unknown ||= answer === undefined;
    const { found } = await documents.read([id]);
    const standing = found[0];
    if (standing && isThis(standing.record)) {
      const settled = {
        kind: 'settled',
        revision: standing.revision,
        at: standing.updatedAt,
      } as const;
      return unknown ? settled : { ...settled, standing: true };
    }
    if (standing?.revision !== revision) return { kind: 'lost' };
  }
  throw new StoreAway(
    `The record of token ${shownToken(record.token)} could not be written in ${MAX_ROUNDS} tries. ` +
      'It stays as it is until somebody tries again.',
  );
}
