import { archiveVolumeTest } from '../support/archive-volume-test.ts';

archiveVolumeTest(100_000);
