import type { Environment } from './environment.ts';
import type { Bucket, FunctionName, Topic } from './resource-names.ts';

/** What a function may do, and by whom it is called: everything that its service account gets. */
export interface FunctionSpec {
  readonly does: string;
  readonly calledBy: 'push' | 'scheduler' | 'principals';
  readonly publishesTo: readonly Topic[];
  readonly usesStore: boolean;
  readonly buckets: Readonly<Partial<Record<Bucket, readonly BucketRole[]>>>;
  readonly scaling: (environment: Environment) => Scaling;
}

/**
 * Roles on one bucket. Objects that exist can be neither changed nor deleted with the first two. `erases` is
 * a role of its own: the right to delete and no other.
 */
export type BucketRole = 'objectViewer' | 'objectCreator' | 'objectUser' | 'erases';

export interface Scaling {
  readonly memory: string;
  readonly cpu: string;
  readonly concurrency: number;
  readonly minInstances: number;
  readonly maxInstances: number;
}

/** Which functions publish versions of state where their history is kept. Steps leave theirs to the sweep. */
export const PUBLISH_STATE: readonly FunctionName[] = ['sweep', 'api'];

const READ_WRITE = ['objectViewer', 'objectCreator'] as const;

/** And takes away again what nothing needs any more: a task that is done, a result that came too late. */
const READ_WRITE_ERASE = [...READ_WRITE, 'erases'] as const;

/** A scheduler's function works alone: a second call meets the first one's leases. */
const ALONE = { cpu: '1', concurrency: 1, minInstances: 0, maxInstances: 2 } as const;

export const FUNCTION_SPECS: Readonly<Record<FunctionName, FunctionSpec>> = {
  'run-task': {
    does: 'Runs each task that Pub/Sub pushes, once.',
    calledBy: 'push',
    publishesTo: ['tasks', 'deadLetters'],
    usesStore: true,
    buckets: { blobs: READ_WRITE_ERASE, archive: ['objectViewer'] },
    scaling: ({ runTask }) => runTask,
  },
  sweep: {
    does: 'Drives on what has passed its time.',
    calledBy: 'scheduler',
    publishesTo: ['tasks'],
    usesStore: true,
    buckets: { blobs: READ_WRITE_ERASE, archive: ['objectViewer'] },
    scaling: () => ({ memory: '512Mi', ...ALONE }),
  },
  api: {
    does: 'The idempotency service, for agents in any language.',
    calledBy: 'principals',
    publishesTo: ['tasks'],
    usesStore: true,
    // A purge erases what is too large for the record. In the archive only an operator's does.
    buckets: { blobs: READ_WRITE_ERASE, archive: ['objectViewer'] },
    scaling: ({ apiService }) => apiService,
  },
  'archive-tick': {
    does: 'Has every shard archived: one message each.',
    calledBy: 'scheduler',
    publishesTo: ['archiveShards'],
    usesStore: false,
    buckets: {},
    scaling: () => ({ memory: '256Mi', ...ALONE }),
  },
  'archive-shard': {
    does: 'Moves the expired operations of one shard to cold storage.',
    calledBy: 'push',
    publishesTo: ['archiveShards'],
    usesStore: true,
    buckets: { blobs: ['objectUser'], archive: READ_WRITE },
    scaling: () => ({
      memory: '512Mi',
      cpu: '1',
      concurrency: 1,
      minInstances: 0,
      maxInstances: 10,
    }),
  },
};
