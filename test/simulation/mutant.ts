import type { Runtime } from '../../functions/src/engine/runtime.ts';
import type { AnyStep } from '../../functions/src/engine/step.ts';
import type { OutcomeKind, PubSubAnswer } from '../../functions/src/operation/outcome.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import type { Instance } from './instance.ts';
import type { Writer } from './store.ts';
import type { World } from './world.ts';

export interface Scene {
  readonly world: World;
  readonly instance: Instance;
  readonly writer: Writer;
}

/** The product with one rule broken, by what stands between the rule's code and the world. */
export interface Mutant {
  readonly name: string;
  /** The rule, as it would be broken. */
  readonly breaks: string;
  documents?(documents: OperationDocuments, scene: Scene): OperationDocuments;
  store?(store: TokenStore, scene: Scene): TokenStore;
  runtime?(runtime: Runtime): Runtime;
  step?(step: AnyStep): AnyStep;
  readonly answers?: Readonly<Partial<Record<OutcomeKind, PubSubAnswer>>>;
}
