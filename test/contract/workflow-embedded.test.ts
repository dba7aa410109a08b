import { embeddedDocuments } from '../../functions/src/adapters/embedded/documents.ts';
import { systemClock } from '../../functions/src/adapters/system/clock.ts';
import { workflowContract } from './workflow.contract.ts';

workflowContract({
  name: 'embedded',
  open: async () => embeddedDocuments(':memory:', systemClock),
});
