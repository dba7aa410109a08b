import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { FirestoreConnection } from '../../functions/src/adapters/firestore/connect.ts';
import { emulatedFirestore } from '../support/firestore.ts';
import type { RaceAnswer } from '../unit/api/race-client.ts';
import { serveOnFirestore } from '../unit/api/serve-on-firestore.ts';
import type { ServedApi } from '../unit/api/service.ts';

const PROCESSES = 4;
const CLIENTS_EACH = 25;
const RACE_CLIENT = new URL('../unit/api/race-client.ts', import.meta.url);

let connections: FirestoreConnection[];
/** Two instances of the service. */
let instances: ServedApi[];
let provider: Server;
/** The tokens that the provider was asked to charge. */
let charged: string[];
let racers: ChildProcess[];

beforeAll(async () => {
  const projectId = `demo-${randomUUID().slice(0, 8)}`;
  connections = [1, 2].map(() => emulatedFirestore(inject('firestoreHost'), projectId));
  instances = await Promise.all(connections.map((connection) => serveOnFirestore(connection)));
  provider = createServer((request, response) => {
    let token = '';
    request.on('data', (chunk) => (token += String(chunk)));
    request.on('end', () => {
      charged.push(token);
      // Longer than a claim takes, so that others meet it in flight.
      void delay(300).then(() => response.end(`charge ${charged.length}`));
    });
  });
  provider.listen(0, '127.0.0.1');
  await once(provider, 'listening');
  const { port } = provider.address() as AddressInfo;
  const urls = instances.map(({ url }) => url);
  const given = [String(CLIENTS_EACH), `http://127.0.0.1:${port}/charge`, ...urls];
  racers = await Promise.all(
    Array.from({ length: PROCESSES }, async () => {
      const racer = fork(RACE_CLIENT, given, { execArgv: [] });
      await once(racer, 'message');
      return racer;
    }),
  );
});

afterAll(async () => {
  await Promise.all(
    racers.map(async (racer) => {
      const exited = once(racer, 'exit');
      racer.kill();
      await exited;
    }),
  );
  provider.closeAllConnections();
  await once(provider.close(), 'close');
  await Promise.all(instances.map((api) => api.close()));
  await Promise.all(connections.map((connection) => connection.close()));
});

describe(`${PROCESSES * CLIENTS_EACH} clients in ${PROCESSES} processes, racing for one key`, () => {
  it.each([1, 2, 3])(
    'one runs; the others wait for its result or fail fast, as they chose (round %i)',
    async () => {
      charged = [];
      const key = randomUUID();
      const answers = await Promise.all(
        racers.map(async (racer) => {
          const told = once(racer, 'message');
          racer.send(key);
          const [answered] = (await told) as [RaceAnswer[]];
          return answered;
        }),
      );
      const all = answers.flat();
      expect(all).toHaveLength(PROCESSES * CLIENTS_EACH);
      expect(charged).toHaveLength(1);
      expect(all.filter(({ replayed }) => replayed === false)).toHaveLength(1);
      const waiting = all.filter(({ waits }) => waits);
      expect(new Set(waiting.map(({ answer }) => answer))).toEqual(new Set(['charge 1']));
      const hasty = all.filter(({ waits }) => !waits);
      const told = new Set(hasty.map(({ answer }) => answer));
      expect(told.difference(new Set(['charge 1', 'in_flight']))).toEqual(new Set());
      expect(told).toContain('in_flight');
    },
  );
});
