import type { AnyWorkflow } from '../../functions/src/engine/define-workflow.ts';
import type { OperationDocuments } from '../../functions/src/ports/operation-documents.ts';
import type { WorkflowDocuments } from '../../functions/src/ports/workflow-documents.ts';
import type { Mutant } from './mutant.ts';

export type SagaDocuments = OperationDocuments & WorkflowDocuments;

/** A mutant that breaks a rule of workflows. */
export interface WorkflowMutant extends Mutant {
  sagaDocuments?(documents: SagaDocuments): SagaDocuments;
  workflow?(workflow: AnyWorkflow): AnyWorkflow;
}
