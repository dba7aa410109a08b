import { COLLECTIONS } from '../../functions/src/names.ts';
import type { Token } from '../../functions/src/token/token.ts';
import type { WorkflowRecord } from '../../functions/src/workflow/record.ts';
import { emulatedFirestore } from './firestore.ts';

/** The workflows of a project in the Firestore emulator, as they come and change. */
export interface WatchedWorkflows {
  /**
   * Resolves when each of them has come to an end that it does not leave on its own. Rejects, naming
   * those that have not, when nothing has changed for long.
   */
  ended(roots: readonly Token[]): Promise<void>;
  close(): Promise<void>;
}

/** Far above what one move of a workflow takes, a lapsed lease and a sweep included. */
const STILL_MS = 30_000;

export function watchWorkflows(host: string, projectId: string): WatchedWorkflows {
  const firestore = emulatedFirestore(host, projectId).firestore;
  const standing = new Map<Token, WorkflowRecord>();
  let changed = (): void => {};
  const unwatch = firestore.collection(COLLECTIONS.workflows).onSnapshot((snapshot) => {
    for (const { doc } of snapshot.docChanges()) {
      const record = doc.data() as unknown as WorkflowRecord;
      standing.set(record.root, record);
    }
    changed();
  });

  return {
    ended: (roots) =>
      new Promise((resolve, reject) => {
        let patience: NodeJS.Timeout | undefined;
        changed = () => {
          clearTimeout(patience);
          const open = roots.filter((root) => !isOver(standing.get(root)));
          if (open.length === 0) return resolve();
          patience = setTimeout(() => {
            const lines = open.map((root) => `\n  ${root}: ${described(standing.get(root))}`);
            reject(new Error(`These stand still for ${STILL_MS} ms:${lines.join('')}`));
          }, STILL_MS);
        };
        changed();
      }),
    async close() {
      unwatch();
      await firestore.terminate();
    },
  };
}

function isOver(record: WorkflowRecord | undefined): boolean {
  return record !== undefined && record.status !== 'running' && record.status !== 'compensating';
}

function described(record: WorkflowRecord | undefined): string {
  if (!record) return 'never begun';
  const members = Object.entries(record.members).map(([name, { state }]) => `${name} ${state}`);
  return `${record.status} (${members.join(', ')})`;
}
