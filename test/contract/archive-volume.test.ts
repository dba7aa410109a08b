import { archiveVolumeTest } from '../support/archive-volume-test.ts';

// Each is a write of its own on the emulator, a millisecond on a machine with nothing else to do.
archiveVolumeTest(10_000, 300_000);
