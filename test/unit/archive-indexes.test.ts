import { Query, Timestamp } from '@google-cloud/firestore';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { firestoreAuditLog } from '../../functions/src/adapters/firestore/audit-log.ts';
import { connectFirestore } from '../../functions/src/adapters/firestore/connect.ts';
import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';
import { firestoreDocuments } from '../../functions/src/adapters/firestore/documents.ts';
import { firestoreEvents } from '../../functions/src/adapters/firestore/events.ts';
import { firestoreState } from '../../functions/src/adapters/firestore/state.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import {
  AUDIT_INDEXES,
  EVENT_INDEXES,
  OPERATION_INDEXES,
  STATE_INDEXES,
  WORKFLOW_INDEXES,
} from '../../functions/src/names.ts';
import type { IndexField } from '../../functions/src/names.ts';
import type { Selection } from '../../functions/src/ports/operation-documents.ts';
import type { WorkflowSelection } from '../../functions/src/ports/workflow-documents.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import type { EntityId } from '../../functions/src/workflow/state.ts';

const SHOP = 'shop' as Namespace;
const TOKEN = 'k1_token' as Token;
const PAGE = { limit: 10 };

interface Filter {
  readonly fieldFilter?: { readonly field: { readonly fieldPath: string }; readonly op: string };
  readonly compositeFilter?: { readonly filters: readonly Filter[] };
}
interface Structured {
  readonly where?: Filter;
  readonly orderBy?: readonly {
    readonly field: { readonly fieldPath: string };
    readonly direction: string;
  }[];
}
type Sent = Query & { toProto(): { readonly structuredQuery: Structured } };

let connection: FirestoreConnection;
let queries: Structured[];

/** Every query that is sent, as it would go over the wire. No emulator says which index one needs. */
beforeEach(() => {
  connection = connectFirestore({ projectId: 'demo-indexes', host: '127.0.0.1:1', ssl: false });
  queries = [];
  vi.spyOn(Query.prototype, 'get').mockImplementation(async function get(this: Query) {
    queries.push((this as Sent).toProto().structuredQuery);
    return { docs: [], readTime: Timestamp.now() } as never;
  });
});

afterEach(async () => {
  vi.restoreAllMocks();
  await connection.close();
});

function fieldsOf(query: Structured): { equal: string[]; ordered: string[] } {
  const filters = query.where?.compositeFilter?.filters ?? (query.where ? [query.where] : []);
  const equal: string[] = [];
  const ordered: string[] = [];
  for (const { fieldFilter } of filters) {
    if (!fieldFilter) throw new Error('A filter within a filter: teach this test about it.');
    const { fieldPath } = fieldFilter.field;
    if (fieldFilter.op === 'EQUAL') equal.push(fieldPath);
    else if (!ordered.includes(fieldPath)) ordered.push(fieldPath);
  }
  for (const { field, direction } of query.orderBy ?? []) {
    expect(direction).toBe('ASCENDING');
    const { fieldPath } = field;
    if (fieldPath !== '__name__' && !ordered.includes(fieldPath)) ordered.push(fieldPath);
  }
  return { equal, ordered };
}

/** Fields that are compared come first, in any order; then those that are ordered by, in theirs. */
function serves(index: readonly IndexField[], query: Structured): boolean {
  const { equal, ordered } = fieldsOf(query);
  const paths = index.map(({ path }) => path);
  const head = paths.slice(0, equal.length);
  const tail = paths.slice(equal.length);
  return (
    paths.length === equal.length + ordered.length &&
    equal.every((path) => head.includes(path)) &&
    ordered.every((path, at) => tail[at] === path)
  );
}

/** Of the queries that were sent since the last look, those that none of the indexes serves. */
function unserved(indexes: Readonly<Record<string, readonly IndexField[]>>): unknown[] {
  const sent = queries;
  queries = [];
  if (sent.length === 0) throw new Error('No query was sent.');
  return sent
    .filter((query) => !Object.values(indexes).some((index) => serves(index, query)))
    .map((query) => fieldsOf(query));
}

const SELECTIONS: Readonly<Record<Selection['by'], Selection>> = {
  root: { by: 'root', namespace: SHOP, root: TOKEN },
  status: { by: 'status', namespace: SHOP, status: 'archived' },
  due: { by: 'due', shard: 3, before: 7 },
  expired: { by: 'expired', shard: 3, before: 7 },
};
const WORKFLOW_SELECTIONS: Readonly<Record<WorkflowSelection['by'], WorkflowSelection>> = {
  status: { by: 'status', namespace: SHOP, status: 'running' },
  due: { by: 'due', shard: 3, before: 7 },
};

describe('every query of the Firestore adapter is served by an index that names.ts declares', () => {
  const documents = () => firestoreDocuments(connection, systemClock);

  test.each(Object.values(SELECTIONS))('operations by $by', async (selection) => {
    await documents().select(selection, PAGE);
    expect(unserved(OPERATION_INDEXES)).toEqual([]);
  });

  test.each(Object.values(WORKFLOW_SELECTIONS))('workflows by $by', async (selection) => {
    await documents().selectWorkflows(selection, PAGE);
    expect(unserved(WORKFLOW_INDEXES)).toEqual([]);
  });

  test('state by version, its history, and what is owed', async () => {
    const state = firestoreState(connection.firestore);
    await state.readVersion(SHOP, 'order:1' as EntityId, 2);
    expect(unserved(STATE_INDEXES)).toEqual([]);
    await state.history(SHOP, 'order:1' as EntityId, PAGE);
    expect(unserved(STATE_INDEXES)).toEqual([]);
    await state.owed(PAGE);
    expect(unserved(STATE_INDEXES)).toEqual([]);
  });

  test('events of a root', async () => {
    await firestoreEvents(connection.firestore).read(SHOP, TOKEN, PAGE);
    expect(unserved(EVENT_INDEXES)).toEqual([]);
  });

  test('interventions on an operation', async () => {
    await firestoreAuditLog(connection.firestore).read(SHOP, TOKEN, PAGE);
    expect(unserved(AUDIT_INDEXES)).toEqual([]);
  });
});

test('a query that no index serves is found out', () => {
  const where = (fieldPath: string, op: string): Filter => ({
    fieldFilter: { field: { fieldPath }, op },
  });
  const query: Structured = {
    where: {
      compositeFilter: { filters: [where('shard', 'EQUAL'), where('forgetAt', 'LESS_THAN')] },
    },
    orderBy: [{ field: { fieldPath: 'forgetAt' }, direction: 'ASCENDING' }],
  };
  expect(Object.values(OPERATION_INDEXES).some((index) => serves(index, query))).toBe(false);
  expect(
    serves(
      [
        { path: 'shard', order: 'ASCENDING' },
        { path: 'forgetAt', order: 'ASCENDING' },
      ],
      query,
    ),
  ).toBe(true);
});
