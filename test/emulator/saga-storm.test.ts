import { describeSagaStorm } from '../support/saga-storm-test.ts';

describeSagaStorm({ sagas: 50, kills: 100, seed: 20_260_131 }, 600_000);
