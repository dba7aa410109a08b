import { Firestore } from '@google-cloud/firestore';
import type { Settings } from '@google-cloud/firestore';
import { FirestoreClient } from '@google-cloud/firestore-api/client_v1';
import { grpc } from 'google-gax';
import { firestoreCalls } from './calls.ts';
import type { FirestoreCalls } from './calls.ts';

/** One database by two clients; which of them serves a call is the adapter's own matter. */
export interface FirestoreConnection {
  /** For queries and transactions. */
  readonly firestore: Firestore;
  /** For conditional writes and reads by id, which every claim, result and duplicate is. */
  readonly calls: FirestoreCalls;
  close(): Promise<void>;
}

export type FirestoreSettings = Settings & { readonly projectId: string };

/**
 * Connects to a database, on the emulator where `FIRESTORE_EMULATOR_HOST` names one. Nothing is sent
 * before the first call.
 */
export function connectFirestore(settings: FirestoreSettings): FirestoreConnection {
  const firestore = new Firestore(settings);
  const { projectId, databaseId = '(default)' } = settings;
  const database = `projects/${projectId}/databases/${databaseId}`;
  const client = new FirestoreClient(clientOptions(settings));
  return {
    firestore,
    calls: firestoreCalls(client, database, headersOf(settings)),
    async close() {
      await Promise.all([firestore.terminate(), client.close()]);
    },
  };
}

/** Also streams, which reads are, are sent again where an answer is missing. */
const REPEATS = { gaxServerStreamingRetries: true };

type ClientOptions = NonNullable<ConstructorParameters<typeof FirestoreClient>[0]>;

function clientOptions(settings: FirestoreSettings): ClientOptions {
  const address = addressOf(settings);
  const { host: _host, ssl: _ssl, customHeaders: _headers, ...rest } = settings;
  if (!address) return { ...rest, ...REPEATS };
  const { hostname, port } = new URL(`http://${address.host}`);
  return {
    ...rest,
    ...REPEATS,
    servicePath: hostname,
    ...(port !== '' && { port: Number(port) }),
    ...(!address.ssl && { sslCreds: grpc.credentials.createInsecure() }),
  };
}

/** An emulator takes any bearer for its owner. */
function headersOf(settings: FirestoreSettings): Readonly<Record<string, string>> {
  const onEmulator = addressOf(settings)?.ssl === false;
  const given = settings.customHeaders as Readonly<Record<string, string>> | undefined;
  return { ...(onEmulator && { Authorization: 'Bearer owner' }), ...given };
}

function addressOf({
  host,
  ssl = true,
}: FirestoreSettings): { readonly host: string; readonly ssl: boolean } | undefined {
  const emulator = process.env['FIRESTORE_EMULATOR_HOST'];
  if (emulator) return { host: emulator, ssl: false };
  return host === undefined ? undefined : { host, ssl };
}
