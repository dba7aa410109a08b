import type { OperationRecord, StoredOperation } from '../../operation/record.ts';

export interface Row {
  readonly id: string;
  readonly revision: number;
  readonly created_at: number;
  readonly updated_at: number;
  readonly document: string;
}

export function storedOperation(row: Row): StoredOperation;
export function storedOperation(row: Row | undefined): StoredOperation | undefined;
export function storedOperation(row: Row | undefined): StoredOperation | undefined {
  return (
    row && {
      record: JSON.parse(row.document) as OperationRecord,
      revision: String(row.revision),
      createdAt: row.created_at,
      updatedAt: row.updated_at,
    }
  );
}
