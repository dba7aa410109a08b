import { describeSagaStorm } from '../support/saga-storm-test.ts';

/** A kill costs two cores about two seconds, as a Node process starts anew. */
const kills = Number(process.env['SAGA_KILLS'] ?? 1_000);

describeSagaStorm({ sagas: Math.ceil(kills / 2), kills, seed: 20_260_201 }, 7_200_000);
