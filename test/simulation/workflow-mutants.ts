import type { ClaimRequest } from '../../functions/src/operation/claim.ts';
import type { CancelledRecord, StoredOperation } from '../../functions/src/operation/record.ts';
import type { DocumentWrite } from '../../functions/src/ports/workflow-documents.ts';
import type { TokenStore } from '../../functions/src/ports/token-store.ts';
import type { DeriveProgress, WorkflowStore } from '../../functions/src/ports/workflow-store.ts';
import type { MemberProgress, StoredWorkflow } from '../../functions/src/workflow/record.ts';
import type { AnyWorkflow } from '../../functions/src/engine/define-workflow.ts';
import type { SagaDocuments, WorkflowMutant } from './workflow-mutant.ts';

/** One broken rule of workflows each. Every one of them must be noticed. */
export const WORKFLOW_MUTANTS: readonly WorkflowMutant[] = [
  {
    name: 'nothing-cancelled',
    breaks: 'compensation starts without a cancelled record under what may still begin',
    store: (store) => ({
      ...store,
      async cancel(request, reason) {
        const standing = await store.get(request.facts.namespace, request.facts.token);
        return standing ?? cancelledInWordsOnly(request, reason);
      },
    }),
  },
  {
    name: 'under-way-ignored',
    breaks: 'compensation starts while a step that was not cancelled in time still runs',
    store: (store) => ({
      ...store,
      async cancel(request, reason) {
        const standing = await store.cancel(request, reason);
        const settled = !['claimed', 'released'].includes(standing.record.status);
        return settled ? standing : cancelledInWordsOnly(request, reason);
      },
    }),
  },
  {
    name: 'doubt-ignored',
    breaks: 'compensation starts over a step in doubt as if it had never begun',
    sagaDocuments: (documents) =>
      readingMembers(documents, (member) =>
        member.state === 'in_doubt' ? { ...member, state: 'cancelled' } : member,
      ),
  },
  {
    name: 'move-unconditional',
    breaks: 'a workflow is moved on without regard to who moved it meanwhile',
    sagaDocuments: (documents) => ({
      ...documents,
      commit: (writes) => documents.commit(writes.map(withoutCondition)),
    }),
  },
  {
    name: 'member-writes-whole-record',
    breaks: "a member of a group writes all members' fields, not just its own",
    sagaDocuments: (documents) => ({
      ...documents,
      commit: async (writes) =>
        documents.commit(await Promise.all(writes.map((write) => withAll(documents, write)))),
    }),
  },
  {
    name: 'published-before-commit',
    breaks: 'what follows is published before the move stands',
    sagaDocuments: (documents) => ({
      ...documents,
      async commit(writes) {
        if (!writes.every(isMove)) return documents.commit(writes);
        void documents.commit(writes).catch(() => {});
        return { kind: 'written', revisions: writes.map(() => '0'), at: documents.now() };
      },
    }),
  },
  {
    name: 'refusal-is-success',
    breaks: 'a refused move counts as made',
    store: withWorkflows((workflows) => ({
      ...workflows,
      async write(progress) {
        await workflows.write(progress);
        return 'written';
      },
    })),
  },
  {
    name: 'never-published-again',
    breaks: 'neither a duplicate nor a sweep publishes again what a crash left unpublished',
    store: (store) => ({
      ...store,
      async getMany(namespace, tokens) {
        const found = await store.getMany(namespace, tokens);
        return found.map((operation) => operation ?? ({} as StoredOperation));
      },
    }),
  },
  {
    name: 'progress-apart',
    breaks: 'a step is recorded without its progress in the workflow',
    store: (store) => ({
      ...store,
      complete: (claim, completion, also) => store.complete(claim, completion, onlyBegin(also)),
      fail: (claim, error) => store.fail(claim, error),
    }),
  },
  {
    name: 'sweep-blind',
    breaks: 'no sweep ever looks after a workflow',
    store: withWorkflows((workflows) => ({
      ...workflows,
      due: async () => ({ workflows: [] }),
    })),
  },
  {
    name: 'compensation-forgotten',
    breaks: 'completed steps of the first stage are not taken back',
    workflow: ({ plan, ...workflow }) => ({
      ...workflow,
      plan: {
        stages: plan.stages.map((stage, index) =>
          index === 0 ? stage.map(({ name }) => ({ name, undoable: false })) : stage,
        ),
      },
    }),
  },
  {
    name: 'attempts-forgotten',
    breaks: "a member's own retry policy is not kept to",
    workflow: ({ stages, ...workflow }) => ({
      ...workflow,
      stages: stages.map((stage: AnyWorkflow['stages'][number]) =>
        stage.map(({ maxAttempts: _own, ...member }) => member),
      ),
    }),
  },
  {
    name: 'time-stands-still',
    breaks: 'a move does not advance logical time',
    sagaDocuments: (documents) => ({
      ...documents,
      commit: (writes) => documents.commit(writes.map(atSameTime)),
    }),
  },
  {
    name: 'deadline-by-wrong-clock',
    breaks: 'deadlines are judged an hour ahead of the store',
    sagaDocuments: (documents) => ({
      ...documents,
      async readWorkflow(id) {
        const answer = await documents.readWorkflow(id);
        return { ...answer, at: answer.at + 3_600_000 };
      },
    }),
  },
];

function withWorkflows(
  change: (workflows: WorkflowStore) => WorkflowStore,
): (store: TokenStore) => TokenStore {
  return (store) => (store.workflows ? { ...store, workflows: change(store.workflows) } : store);
}

/** A cancelled record that nobody wrote. */
function cancelledInWordsOnly({ facts, claimId }: ClaimRequest, reason: string): StoredOperation {
  const record: CancelledRecord = {
    ...facts,
    schema: 1,
    shard: 0,
    status: 'cancelled',
    fence: 1,
    attempt: 0,
    claimId,
    reason,
    completedAt: 0,
    expireAt: 0,
  };
  return { record, revision: '1', createdAt: 0, updatedAt: 0 };
}

function onlyBegin(also: DeriveProgress | undefined): DeriveProgress {
  return async () => {
    const progress = await also?.();
    return progress?.kind === 'begin' ? progress : undefined;
  };
}

function readingMembers(
  documents: SagaDocuments,
  change: (member: MemberProgress) => MemberProgress,
): SagaDocuments {
  return {
    ...documents,
    async readWorkflow(id) {
      const { found, at } = await documents.readWorkflow(id);
      return found ? { found: changed(found, change), at } : { at };
    },
  };
}

function changed(
  { record, ...rest }: StoredWorkflow,
  change: (member: MemberProgress) => MemberProgress,
): StoredWorkflow {
  const members = Object.entries(record.members).map(([name, member]) => [name, change(member)]);
  return { ...rest, record: { ...record, members: Object.fromEntries(members) } };
}

function isMove(write: DocumentWrite): boolean {
  return write.of === 'workflows' && write.kind === 'update' && 'members' in write.patch;
}

function withoutCondition(write: DocumentWrite): DocumentWrite {
  if (write.of !== 'workflows' || write.kind === 'create') return write;
  const { revision: _revision, ...unconditional } = write;
  return unconditional;
}

async function withAll(documents: SagaDocuments, write: DocumentWrite): Promise<DocumentWrite> {
  if (write.of !== 'workflows' || write.kind === 'create' || isMove(write)) return write;
  const { found } = await documents.readWorkflow(write.id);
  const own = Object.entries(write.patch).map(([name, state]) => [
    name.replace('members.', ''),
    state,
  ]);
  const members = { ...found?.record.members, ...Object.fromEntries(own) };
  return { ...write, patch: { members } };
}

function atSameTime(write: DocumentWrite): DocumentWrite {
  if (write.kind === 'create') return write;
  const { logicalTime: _time, ...patch } = write.patch;
  return { ...write, patch };
}
