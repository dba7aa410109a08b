import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import type { StoredOperation } from '../../operation/record.ts';
import type { Selection } from '../../ports/operation-documents.ts';
import { documentId } from '../../token/token.ts';
import type { Namespace, Token } from '../../token/token.ts';
import { storedOperation } from './row.ts';
import type { Row } from './row.ts';

interface Query {
  readonly where: string;
  readonly values: readonly SQLInputValue[];
  /** Expressions that order the rows and, together, name one. */
  readonly order: readonly string[];
}

/** One page in the selection's order; `next` names the last row where there may be more. */
export function selectOperations(
  database: DatabaseSync,
  selection: Selection,
  { limit, after }: { readonly limit: number; readonly after?: string },
): { found: StoredOperation[]; next?: string } {
  const { where, values, order } = queryFor(selection);
  const position = after === undefined ? [] : (JSON.parse(after) as SQLInputValue[]);
  const behind =
    position.length === 0 ? '' : `AND (${order.join(', ')}) > (${order.map(() => '?').join(', ')})`;
  const columns = order.map((expression, index) => `${expression} AS order_${index}`).join(', ');
  const rows = database
    .prepare(
      `SELECT *, ${columns} FROM operations WHERE ${where} ${behind} ORDER BY ${order.join(', ')} LIMIT ?`,
    )
    .all(...values, ...position, limit) as unknown as (Row & Record<string, SQLInputValue>)[];

  const found = rows.map((row) => storedOperation(row));
  const last = rows.at(-1);
  if (rows.length < limit || !last) return { found };
  return { found, next: JSON.stringify(order.map((_, index) => last[`order_${index}`])) };
}

function queryFor(selection: Selection): Query {
  if (selection.by === 'expired') return pastTime('expireAt', selection);
  if (selection.by !== 'root') return commonQuery(selection);
  const { namespace, root } = selection;
  return {
    where: `((id = ? AND document ->> 'root' = document ->> 'token')
        OR (document ->> 'root' = ? AND document ->> 'root' <> document ->> 'token'))
      AND document ->> 'namespace' = ?`,
    values: [documentId(namespace as Namespace, root as Token), root, namespace],
    order: ["document ->> 'logicalTime'", 'id'],
  };
}

/** What operations and workflows are both selected by. */
export function commonQuery(selection: Exclude<Selection, { by: 'root' | 'expired' }>): Query {
  switch (selection.by) {
    case 'status':
      return {
        where: "document ->> 'namespace' = ? AND document ->> 'status' = ?",
        values: [selection.namespace, selection.status],
        order: ['id'],
      };
    case 'due':
      return pastTime('dueAt', selection);
  }
}

/** What of a shard has passed a time of its own, the longest passed first. */
function pastTime(
  field: 'dueAt' | 'expireAt',
  { shard, before }: { readonly shard: number; readonly before: number },
): Query {
  return {
    where: `document ->> 'shard' = ? AND document ->> '${field}' <= ?`,
    values: [shard, before],
    order: [`document ->> '${field}'`, 'id'],
  };
}
