import { describeSagaStorm } from '../support/saga-storm-test.ts';

describeSagaStorm({ sagas: 500, kills: 1_000, seed: 20_260_131 }, 1_800_000);
