import { randomUUID } from 'node:crypto';
import { connectFirestore } from '../../functions/src/adapters/firestore/connect.ts';
import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';

/** How often each RPC was sent since the last look, by its name: `Commit`, `BatchGetDocuments`, … */
export type RpcCounts = Readonly<Record<string, number>>;

export interface CountedFirestore {
  readonly connection: FirestoreConnection;
  readonly projectId: string;
  /** The counts so far, from zero again after each call. */
  take(): RpcCounts;
}

interface OutgoingCall {
  readonly methodDefinition: { readonly path: string };
}

/**
 * A client of the emulator, with a project of its own, whose calls are counted where they leave for the
 * network: gRPC shows each one as it is sent, the client's own repetitions included.
 */
export function countedFirestore(host: string): CountedFirestore {
  let counts: Record<string, number> = {};

  function count(call: OutgoingCall): OutgoingCall {
    const method = call.methodDefinition.path.split('/').at(-1) ?? '';
    counts[method] = (counts[method] ?? 0) + 1;
    return call;
  }

  const projectId = `demo-${randomUUID().slice(0, 8)}`;
  const connection = connectFirestore({
    projectId,
    host,
    ssl: false,
    'grpc.callInvocationTransformer': count,
  });
  return {
    connection,
    projectId,
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
  };
}
