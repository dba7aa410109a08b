import type { Answer, Terminal } from './context.ts';
import type { OperationView } from './operation-view.ts';

/** Where commands look at operations and intervene: in a store, or at the service. */
export interface Operations {
  /** For messages: `namespace "shop" of the firestore store`. */
  readonly place: string;
  /** What to try where an operation is not found here. */
  readonly elsewhere: string;
  look(token: string): Promise<OperationView | undefined>;
  /** By logical time; empty where nothing is under the root. */
  ledger(root: string): Promise<readonly OperationView[]>;
  /** @throws {Failure} where it can't be told here */
  inDoubt(): Promise<readonly OperationView[]>;
  /**
   * The operation as it is afterwards, with its task published where that follows. Asking again is safe.
   *
   * @throws {Failure} where there is no such operation, or it is left as it was
   */
  intervene(token: string, wanted: Wanted, signature: Signature): Promise<OperationView>;
}

export type Wanted =
  | { readonly verb: 'extend'; readonly byMs: number }
  | { readonly verb: 'resolve_done'; readonly result: unknown }
  | { readonly verb: 'resolve_not_done' | SimpleVerb };

export type SimpleVerb = 'hold' | 'unhold' | 'expire' | 'force_release' | 'purge';

/** Who intervenes and why. Where the caller is verified, that is who. */
export interface Signature {
  readonly actor?: string;
  readonly reason: string;
}

export interface OperationsContext {
  readonly operations: Operations;
  readonly terminal: Terminal;
  /** The CLI with the options that lead here, as a shell takes it. */
  readonly invocation: string;
}

/** Runs a command's work on operations, wherever the options say that they are. */
export type RunOperations = (
  work: (context: OperationsContext) => Promise<Answer>,
) => Promise<void>;
