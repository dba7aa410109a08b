import { randomUUID } from 'node:crypto';
import { Firestore } from '@google-cloud/firestore';

/** How often each RPC was sent since the last look, by its name: `Commit`, `BatchGetDocuments`, … */
export type RpcCounts = Readonly<Record<string, number>>;

export interface CountedFirestore {
  readonly firestore: Firestore;
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

  const firestore = new Firestore({
    projectId: `demo-${randomUUID().slice(0, 8)}`,
    host,
    ssl: false,
    customHeaders: { Authorization: 'Bearer owner' },
    'grpc.callInvocationTransformer': count,
  });
  return {
    firestore,
    take() {
      const taken = counts;
      counts = {};
      return taken;
    },
  };
}
