import type { StoredWorkflow, WorkflowRecord, WorkflowStatus } from '../workflow/record.ts';
import type { Patch } from './operation-documents.ts';

/** One document's part of a commit. */
export type DocumentWrite =
  | {
      readonly kind: 'create';
      readonly of: 'workflows';
      readonly id: string;
      readonly record: WorkflowRecord;
    }
  /**
   * Changes to named fields; `null` removes one, and a dotted name reaches into a map. Conditional on
   * the revision where one is given, else on the document's being there.
   */
  | {
      readonly kind: 'update';
      readonly of: 'operations' | 'workflows';
      readonly id: string;
      readonly revision?: string;
      readonly patch: Patch;
    };

export type CommitAnswer =
  | {
      readonly kind: 'written';
      /** In the order of the writes. */
      readonly revisions: readonly string[];
      readonly at: number;
    }
  /** One of the conditions does not hold; nothing is written. */
  | { readonly kind: 'refused' };

export type WorkflowSelection =
  | { readonly by: 'status'; readonly namespace: string; readonly status: WorkflowStatus }
  | { readonly by: 'due'; readonly shard: number; readonly before: number };

/** What a technology must offer beyond single documents, to keep workflows beside operations. */
export interface WorkflowDocuments {
  /** All of the writes or none. A throw means that the outcome is unknown (`StoreAway`). */
  commit(writes: readonly DocumentWrite[]): Promise<CommitAnswer>;
  readWorkflow(id: string): Promise<{ readonly found?: StoredWorkflow; readonly at: number }>;
  /** Ordered by time (due), then by id. */
  selectWorkflows(
    selection: WorkflowSelection,
    page: { readonly limit: number; readonly after?: string },
  ): Promise<{
    readonly found: readonly StoredWorkflow[];
    readonly at: number;
    readonly next?: string;
  }>;
}
