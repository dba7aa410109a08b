import type { TaskMessage } from '../operation/task.ts';
import { documentId, shardOf } from '../token/token.ts';
import { advance } from '../workflow/advance.ts';
import type { WorkflowRecord } from '../workflow/record.ts';
import type { AnyWorkflow } from './define-workflow.ts';
import { packValue } from './payload.ts';
import { planMove } from './plan-move.ts';
import type { Move } from './plan-move.ts';
import type { Runtime } from './runtime.ts';

/** The first record of a workflow, with its first stage's tasks. The starting task's token is its root. */
export async function beginWorkflow(
  runtime: Runtime,
  workflow: AnyWorkflow,
  task: TaskMessage,
  { namespace, keptMs }: Required<Pick<WorkflowRecord, 'namespace' | 'keptMs'>>,
): Promise<Move> {
  const storeNow = runtime.store.now();
  const { name, version, deadlineMs } = workflow;
  const input: unknown = await workflow.input.parseAsync(task.params);
  const record: WorkflowRecord = {
    schema: 1,
    namespace,
    root: task.token,
    name,
    version,
    agent: task.agent,
    status: 'running',
    input: await packValue(input, runtime.blobs, { namespace, token: task.token }, 'input'),
    stage: -1,
    members: {},
    logicalTime: task.logicalTime,
    madeAt: task.madeAt,
    startedAt: Math.floor(storeNow),
    keptMs,
    ...(deadlineMs !== undefined && { deadlineAt: Math.ceil(storeNow + deadlineMs) }),
    shard: shardOf(documentId(namespace, task.token), runtime.store.shards),
    ...(task.traceparent !== undefined && { traceparent: task.traceparent }),
    ...(task.contextHash !== undefined && { contextHash: task.contextHash }),
  };
  return planMove(runtime, workflow, advance(record, workflow.plan), storeNow);
}
