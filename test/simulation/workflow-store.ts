import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import type { DocumentWrite } from '../../functions/src/ports/workflow-documents.ts';
import type { Instance } from './instance.ts';
import { remote } from './network.ts';
import { learnTime, remoteDocuments, remoteStore } from './store.ts';
import type { Writer } from './store.ts';
import type { SagaDocuments } from './workflow-mutant.ts';
import type { SagaWorld } from './workflow-world.ts';

/** The store's documents, workflows among them, as one process reaches them, every write watched. */
function sagaDocuments(world: SagaWorld, instance: Instance, writer: Writer): SagaDocuments {
  const { workflows, mutant } = world;

  async function call<T extends object>(what: string, perform: () => T): Promise<T> {
    const answer = await remote(world, instance, 'store', what, perform);
    if ('at' in answer) learnTime(world, instance, answer.at as number);
    return answer;
  }

  const documents: SagaDocuments = {
    ...remoteDocuments(world, instance, writer),
    commit: (writes) =>
      call('commit', () => {
        const tell = writes.map((write) => lookAt(world, instance, writer, write));
        const answer = workflows.commit(writes);
        for (const told of tell) told();
        return answer;
      }),
    readWorkflow: (id) => call('readWorkflow', () => workflows.read(id)),
    selectWorkflows: (selection, page) =>
      call('selectWorkflows', () => workflows.select(selection, page)),
  };
  return mutant.sagaDocuments?.(documents) ?? documents;
}

/** Remembers what stands before a write; what it answers tells the watch what it came to. */
function lookAt(
  { table, workflows, watch }: SagaWorld,
  instance: Instance,
  writer: Writer,
  { of, id }: DocumentWrite,
): () => void {
  if (of === 'operations') {
    const before = table.standing(id);
    return () => {
      const after = table.standing(id);
      if (after && after !== before) watch.wrote(instance, writer, before, after);
    };
  }
  const before = workflows.standing(id);
  return () => {
    const after = workflows.standing(id);
    if (after && after !== before) watch.moved(instance, before?.record, after.record);
  };
}

export function sagaStore(world: SagaWorld, instance: Instance): TokenStore {
  return remoteStore(world, instance, (writer) => sagaDocuments(world, instance, writer));
}
