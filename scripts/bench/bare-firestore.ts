import type { CollectionReference, Firestore } from '@google-cloud/firestore';

import { freshKey, RESULT_TEXT, TASK_TEXT } from './workload.ts';

/** Firestore as a program calls it without a library: no hashes, no lease, no fence. */
export interface BareFirestore {
  /** `create()` + `update()`, on one document: the least that guards and records a call. */
  firstRun(key?: string): Promise<void>;
  get(key: string): Promise<void>;
  create(key: string): Promise<boolean>;
}

export function bareFirestore(documents: CollectionReference): BareFirestore {
  async function create(key: string): Promise<boolean> {
    try {
      await documents.doc(key).create(CLAIMED);
      return true;
    } catch (error) {
      if (codeOf(error) === ALREADY_EXISTS) return false;
      throw error;
    }
  }

  return {
    create,
    async firstRun(key = freshKey()) {
      await documents.doc(key).create(CLAIMED);
      await documents.doc(key).update(COMPLETED);
    },
    async get(key) {
      const { exists } = await documents.doc(key).get();
      if (!exists) throw new Error(`The document ${key} is gone.`);
    },
  };
}

/** One guarded call, the way a contender does it. */
export type GuardedCall = (key: string, effect: () => void) => Promise<void>;

/** Look, run, write: what is written first. Two at once both find nothing. */
export function naive(documents: CollectionReference): GuardedCall {
  return async (key, effect) => {
    const found = await documents.doc(key).get();
    if (found.exists) return;
    effect();
    await documents.doc(key).set({ ...CLAIMED, ...COMPLETED });
  };
}

/** Look and claim in one transaction, run, then record. */
export function transactional(firestore: Firestore, documents: CollectionReference): GuardedCall {
  return async (key, effect) => {
    const document = documents.doc(key);
    const mine = await firestore.runTransaction(async (transaction) => {
      const found = await transaction.get(document);
      if (found.exists) return false;
      transaction.create(document, CLAIMED);
      return true;
    });
    if (!mine) return;
    effect();
    await document.update(COMPLETED);
  };
}

const CLAIMED = { status: 'claimed', claimedAt: 1_767_225_600_000, task: TASK_TEXT };
const COMPLETED = { status: 'completed', completedAt: 1_767_225_600_000, result: RESULT_TEXT };

const ALREADY_EXISTS = 6;

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
