import type { Namespace, Token } from '../token/token.ts';
import type {
  MemberProgress,
  StoredWorkflow,
  WorkflowRecord,
  WorkflowStatus,
} from '../workflow/record.ts';
import type { Page } from './token-store.ts';

/** What a workflow's document gets, alone or in one commit with an operation's. */
export type ProgressWrite =
  /** Where none stands under its root; or in place of the one that was read at the revision `over`. */
  | { readonly kind: 'begin'; readonly record: WorkflowRecord; readonly over?: string }
  /** The whole next record, conditional on the revision that it was derived from. */
  | { readonly kind: 'move'; readonly revision: string; readonly record: WorkflowRecord }
  /** One member's own field, whatever the others wrote meanwhile. */
  | {
      readonly kind: 'report';
      readonly namespace: Namespace;
      readonly root: Token;
      readonly member: string;
      readonly progress: MemberProgress;
    };

/** Derives the write from the workflow as it stands; asked again where that has changed meanwhile. */
export type DeriveProgress = () => Promise<ProgressWrite | undefined>;

export interface WorkflowAnswer {
  readonly found?: StoredWorkflow;
  /** Store time of the read. */
  readonly at: number;
}

export interface WorkflowListing {
  readonly workflows: readonly StoredWorkflow[];
  readonly next?: string;
}

/** Workflows under their root tokens. Every verb may throw `StoreAway`: the outcome is then unknown. */
export interface WorkflowStore {
  get(namespace: Namespace, root: Token): Promise<WorkflowAnswer>;
  /** `refused`: the workflow has moved since, or (`begin`) stands there already. Read and decide again. */
  write(progress: ProgressWrite): Promise<'written' | 'refused'>;
  byStatus(namespace: Namespace, status: WorkflowStatus, page: Page): Promise<WorkflowListing>;
  due(shard: number, page: Page): Promise<WorkflowListing>;
}
