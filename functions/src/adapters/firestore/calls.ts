import { Timestamp } from '@google-cloud/firestore';
import type { protos } from '@google-cloud/firestore-api';
import type { FirestoreClient } from '@google-cloud/firestore-api/client_v1';
import { fieldPath, fieldsOf, nested, valueOf } from './values.ts';

type WireWrite = protos.google.firestore.v1.IWrite;
type WireDocument = protos.google.firestore.v1.IDocument;
type WireAnswer = protos.google.firestore.v1.IBatchGetDocumentsResponse;
type WireTime = protos.google.protobuf.ITimestamp;

/** One document's part of a commit. */
export type Write =
  /** Refused where a document stands already. */
  | { readonly kind: 'create'; readonly path: string; readonly fields: Fields }
  /**
   * Changes to named fields: `null` removes one, a dotted name reaches into a map. Conditional on the
   * update time where one is given, else on the document's being there.
   */
  | {
      readonly kind: 'update';
      readonly path: string;
      readonly changes: Fields;
      readonly updatedAt?: Timestamp;
    };

export type Fields = Readonly<Record<string, unknown>>;

/** A document as read. */
export interface Found {
  readonly fields: Fields;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

/**
 * The store's hot calls by the API's own client: beside the same calls by `DocumentReference`, a write
 * takes half of the processor's time and a read a third of all its time (`npm run bench`). Errors are
 * the client's, with gRPC codes.
 */
export interface FirestoreCalls {
  /** All of the writes or none. Answers each one's update time. */
  commit(writes: readonly Write[]): Promise<readonly Timestamp[]>;
  /** Documents by path, in the order asked, and when they were read. */
  read(paths: readonly string[]): Promise<{
    readonly found: readonly (Found | undefined)[];
    readonly readAt: Timestamp;
  }>;
}

/**
 * ABORTED (contention), RESOURCE_EXHAUSTED and UNAVAILABLE are sent again, for as long as a caller may
 * still care. A repetition of a write that did succeed is refused; callers of a refused write read.
 */
const RETRY = {
  retryCodes: [10, 8, 14],
  backoffSettings: {
    initialRetryDelayMillis: 100,
    retryDelayMultiplier: 1.3,
    maxRetryDelayMillis: 2_000,
    initialRpcTimeoutMillis: 10_000,
    rpcTimeoutMultiplier: 1,
    maxRpcTimeoutMillis: 10_000,
    totalTimeoutMillis: 10_000,
  },
};

export function firestoreCalls(
  client: FirestoreClient,
  database: string,
  headers: Readonly<Record<string, string>>,
): FirestoreCalls {
  const options = {
    retry: RETRY,
    otherArgs: { headers: { 'google-cloud-resource-prefix': database, ...headers } },
  };
  return {
    async commit(writes) {
      const request = { database, writes: writes.map((write) => wireWrite(database, write)) };
      const [{ writeResults }] = await client.commit(request, options);
      return (writeResults ?? []).map(({ updateTime }) => timestamp(updateTime));
    },

    async read(paths) {
      const documents = paths.map((path) => `${database}/documents/${path}`);
      const stream = client.batchGetDocuments({ database, documents }, options);
      const found = new Map<string, Found>();
      let readAt = new Timestamp(0, 0);
      await answersOf(stream, (answer) => {
        if (answer.found) found.set(answer.found.name ?? '', foundDocument(answer.found));
        readAt = later(readAt, timestamp(answer.readTime));
      });
      return { found: documents.map((name) => found.get(name)), readAt };
    },
  };
}

function wireWrite(database: string, write: Write): WireWrite {
  const name = `${database}/documents/${write.path}`;
  if (write.kind === 'create') {
    const { fields } = valueOf(write.fields).mapValue ?? {};
    return { update: { name, fields: fields ?? {} }, currentDocument: { exists: false } };
  }
  const { changes, updatedAt } = write;
  const { fields } = valueOf(nested(changes)).mapValue ?? {};
  return {
    update: { name, fields: fields ?? {} },
    updateMask: { fieldPaths: Object.keys(changes).map(fieldPath) },
    currentDocument: updatedAt
      ? { updateTime: { seconds: updatedAt.seconds, nanos: updatedAt.nanoseconds } }
      : { exists: true },
  };
}

/** By events: a stream that repeats itself hands its data past whoever iterates over it. */
function answersOf(
  stream: ReturnType<FirestoreClient['batchGetDocuments']>,
  take: (answer: WireAnswer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on('data', take).on('error', reject).on('end', resolve);
  });
}

function foundDocument({ fields, createTime, updateTime }: WireDocument): Found {
  return {
    fields: fieldsOf(fields),
    createdAt: timestamp(createTime),
    updatedAt: timestamp(updateTime),
  };
}

function later(one: Timestamp, other: Timestamp): Timestamp {
  return one.valueOf() < other.valueOf() ? other : one;
}

function timestamp(time: WireTime | null | undefined): Timestamp {
  return new Timestamp(Number(time?.seconds ?? 0), time?.nanos ?? 0);
}
