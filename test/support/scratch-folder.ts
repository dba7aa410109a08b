import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const IN_MEMORY = '/dev/shm';

/**
 * A new, empty folder: real files, in memory where the system offers that. Syncing them costs nothing
 * there, and what a sync is for, the loss of power, no test here is about.
 */
export function scratchFolder(): Promise<string> {
  return mkdtemp(join(existsSync(IN_MEMORY) ? IN_MEMORY : tmpdir(), 'agent-once-'));
}
