import { expect, test } from 'vitest';
import { erasePurged } from '../../../functions/src/engine/cold-erase.ts';
import type { OperationDocuments } from '../../../functions/src/ports/operation-documents.ts';
import type { WorkflowDocuments } from '../../../functions/src/ports/workflow-documents.ts';
import type { Token } from '../../../functions/src/token/token.ts';
import { documentId } from '../../../functions/src/token/token.ts';
import { fanOut, orderSaga } from './definitions.ts';
import { NAMESPACE, stage } from './fixture.ts';
import type { Stage, WorkflowSubject } from './fixture.ts';

const HOME = { to: 'home' };
const NONE = { capMs: 0, forgetMs: 0 };
const BY = { actor: 'dana', reason: 'asked to be forgotten' };

/** Whose operations can be forgotten, all at once, as they are once their stubs' time is over. */
function forgetful(documents: OperationDocuments & WorkflowDocuments) {
  let life = 0;
  const now = (id: string) => `${life}-${id}`;
  return {
    forget: () => void (life += 1),
    documents: {
      ...documents,
      create: (id, record) => documents.create(now(id), record),
      update: (id, revision, patch) => documents.update(now(id), revision, patch),
      read: (ids) => documents.read(ids.map(now)),
      commit: (writes) =>
        documents.commit(
          writes.map((write) =>
            write.of === 'operations' ? { ...write, id: now(write.id) } : write,
          ),
        ),
    } satisfies OperationDocuments & WorkflowDocuments,
  };
}

/** What becomes of a workflow after its end, and of what it keeps of its operations. */
export function lifeOfWorkflows(open: WorkflowSubject['open']): void {
  test('a workflow is kept after its end for as long as any operation of it may be known', async () => {
    const { workflow, steps } = orderSaga();
    const at = stage(await open(), steps);
    const { token } = at.begin(workflow.task(HOME));
    await at.deliver(at.waiting[0]!);
    expect(await at.workflow(token)).not.toHaveProperty('forgetAt');
    await at.drain();
    const { store } = at.runtime;
    const { capMs, forgetMs } = (await store.get(NAMESPACE, token))?.record.retention ?? NONE;
    const { found } = (await store.workflows?.get(NAMESPACE, token)) ?? {};
    const keptMs = (found?.record.forgetAt ?? 0) - (found?.updatedAt ?? 0);
    expect(keptMs).toBeCloseTo(capMs + forgetMs + 7 * 86_400_000, -4);
  });

  test('once its time is over, the key of an ended workflow begins one anew', async () => {
    const { workflow, steps, effects } = orderSaga();
    const { documents, forget } = forgetful(await open());
    const at = stage(documents, steps);
    const first = at.begin(workflow.task({ to: 'nowhere' }), 'order-1');
    await at.drain();
    forget();
    const id = documentId(NAMESPACE, first.token);
    await documents.commit([{ kind: 'update', of: 'workflows', id, patch: { forgetAt: 1 } }]);
    effects.length = 0;
    const { token } = at.begin(workflow.task(HOME), 'order-1');
    expect(await at.deliverElsewhere(at.waiting.shift()!)).toBe('completed');
    const begun = await at.workflow(token);
    expect(begun?.status).toBe('running');
    expect(begun).not.toHaveProperty('cause');
    expect(begun).not.toHaveProperty('forgetAt');
    for (let task = at.waiting.shift(); task; task = at.waiting.shift()) {
      await at.deliverElsewhere(task);
    }
    expect(effects).toEqual(['test.reserve', 'test.charge', 'test.ship']);
    expect((await at.workflow(token))?.status).toBe('completed');
  });

  test('until then the key finds the ended one: what it charged and took back is no new charge', async () => {
    const { workflow, steps, effects } = orderSaga();
    const { documents, forget } = forgetful(await open());
    const at = stage(documents, steps);
    const { token } = at.begin(workflow.task({ to: 'nowhere' }), 'order-1');
    await at.drain();
    const before = await at.workflow(token);
    forget();
    effects.length = 0;
    at.begin(workflow.task(HOME), 'order-1');
    expect(await at.deliverElsewhere(at.waiting.shift()!)).toBe('completed');
    expect(at.waiting).toEqual([]);
    expect(effects).toEqual([]);
    expect(await at.workflow(token)).toEqual(before);
  });

  test('the key of a workflow that goes on yet finds that one', async () => {
    const { workflow, steps, effects } = orderSaga();
    const { documents, forget } = forgetful(await open());
    const at = stage(documents, steps);
    const { token } = at.begin(workflow.task(HOME), 'order-1');
    await at.deliver(at.waiting.shift()!);
    const before = await at.workflow(token);
    const [reserve] = at.waiting.splice(0);
    forget();
    at.begin(workflow.task(HOME), 'order-1');
    expect(await at.deliverElsewhere(at.waiting.shift()!)).toBe('completed');
    expect(at.waiting).toEqual([]);
    expect(await at.workflow(token)).toEqual(before);
    at.waiting.push(reserve!);
    await at.drain();
    expect(effects).toEqual(['test.reserve', 'test.charge', 'test.ship']);
  });

  test('what is purged is purged from its workflow, too', async () => {
    const { workflow, steps } = orderSaga();
    const at = stage(await open(), steps);
    const { token } = at.begin(workflow.task({ to: 'nowhere' }));
    await at.drain();
    const { members } = (await at.workflow(token)) ?? {};
    await purge(at, members?.['charge']?.forward);
    await purge(at, members?.['ship']?.token);
    const after = await at.workflow(token);
    expect(after?.members).toMatchObject({
      reserve: { state: 'undone', result: { kind: 'inline' } },
      charge: { state: 'undone', result: { kind: 'purged' } },
      ship: { state: 'failed', error: { code: 'undeliverable', message: 'purged' } },
    });
    expect(after?.cause).toMatchObject({ code: 'undeliverable', message: 'purged' });
    expect(after?.input).toMatchObject({ kind: 'inline' });
    await purge(at, token);
    expect((await at.workflow(token))?.input).toEqual({ kind: 'purged' });
  });

  test('a large input that is purged leaves no blob', async () => {
    const { workflow, steps } = fanOut(2);
    const at = stage(await open(), steps);
    const large = { ...workflow, input: workflow.input.loose() };
    const task = { ...large.task({}), params: { note: 'x'.repeat(400_000) } };
    at.deploy(Object.assign(steps, { workflows: { ...steps.workflows, latest: () => large } }));
    const { token } = at.begin(task);
    await at.drain();
    const { input } = (await at.workflow(token)) ?? {};
    expect(input).toMatchObject({ kind: 'blob' });
    await purge(at, token);
    const { name } = input as { name: string };
    expect(await at.runtime.blobs.get(name)).toBeUndefined();
  });
}

async function purge({ runtime }: Stage, token: Token | undefined): Promise<void> {
  if (!token) throw new Error('There is no such operation.');
  const asked = { override: { verb: 'purge' }, ...BY } as const;
  const answer = await runtime.store.override(NAMESPACE, token, asked);
  if (answer.kind !== 'overridden') throw new Error(`It was not purged: ${answer.kind}.`);
  await erasePurged(runtime, answer.found.record);
}
