import { settableClock } from '../../../functions/src/testing/index.ts';
import { memoryDocuments } from '../../../functions/src/testing/memory-documents.ts';
import { workflowContract } from '../../contract/workflow.contract.ts';

workflowContract({
  name: 'memory',
  async open() {
    const clock = settableClock();
    return memoryDocuments(() => clock.now());
  },
});
