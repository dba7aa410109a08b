import { archiveVolumeTest } from '../support/archive-volume-test.ts';

archiveVolumeTest(50_000);
