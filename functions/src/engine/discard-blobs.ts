import type { ClaimRequest } from '../operation/claim.ts';
import { isTerminal } from '../operation/record.ts';
import type { OperationRecord, StoredOutbox, StoredValue } from '../operation/record.ts';
import { blobFolder, PayloadGone, unpackText } from './payload.ts';
import type { Owner } from './payload.ts';
import type { TaskOutcome } from './outcome.ts';
import type { Runtime } from './runtime.ts';
import { within } from './within.ts';

/** Where the record may stand that names an operation's blobs. */
type Place = Owner & Pick<ClaimRequest, 'window'>;

/**
 * Deletes the blobs of values that are on record no more, or never were: of a write that lost, of
 * follow-ups that are published. What the standing record names stays, so a write that stands though its
 * answer was lost keeps its own. Only for values packed under a claim id: nobody else is about to record
 * one by the same name.
 *
 * Costs nothing where none is a blob, else one read. Never throws: what stays is erased by a purge.
 */
export async function discardUnnamed(
  runtime: Runtime,
  place: Place,
  values: readonly (StoredOutbox | undefined)[],
): Promise<void> {
  const names = values.flatMap((value) => (value?.kind === 'blob' ? [value.name] : []));
  if (names.length === 0) return;
  await bestEffort(runtime, async () => {
    const kept = namedBy(await standing(runtime, place));
    for (const name of names) if (!kept.has(name)) await runtime.blobs.delete(name);
  });
}

/**
 * The text of a value of a record that was read before; `undefined` where the record has gone on without it
 * since, and its blob is gone for that.
 *
 * @throws {PayloadGone} where it is missing all the same
 */
export async function textIfNamed(
  runtime: Pick<Runtime, 'store' | 'blobs'>,
  { namespace, token }: Owner,
  value: StoredValue,
): Promise<string | undefined> {
  try {
    return await unpackText(value, runtime.blobs);
  } catch (error) {
    if (!(error instanceof PayloadGone) || value.kind !== 'blob') throw error;
    if (namedBy(await standing(runtime, { namespace, token })).has(value.name)) throw error;
    return undefined;
  }
}

/** How a delivery ends whose operation needs no stored task any more, or never stored this one. */
const TASK_UNNEEDED: ReadonlySet<TaskOutcome['kind']> = new Set([
  'completed',
  'replayed',
  'cancelled',
  'terminal_error',
  'mismatch',
  'expired',
]);

/**
 * Deletes what a delivery's task was spilled to, as {@link discardUnnamed}. Every delivery of a task names
 * its blob alike, so it goes only once nobody can claim the operation any more.
 */
export async function discardTask(
  runtime: Runtime,
  { facts, task, window }: ClaimRequest,
  { kind }: TaskOutcome,
): Promise<void> {
  if (task?.kind !== 'blob' || !TASK_UNNEEDED.has(kind)) return;
  const { blobs } = runtime;
  await bestEffort(runtime, async () => {
    const records = await standing(runtime, { ...facts, ...(window && { window }) });
    if (namedBy(records).has(task.name)) return;
    const ended = records.every((record) => isTerminal(record) && !('task' in record));
    // Others may be on their way to a token under which nothing stands yet.
    const isOwn = !window && records.some(({ token }) => token === facts.token);
    if (ended && isOwn) await blobs.deleteUnder(blobFolder(facts, 'task'));
    // Too old, or another request has the token: no delivery of this very task is ever given it.
    else if (ended || kind === 'mismatch') await blobs.delete(task.name);
  });
}

async function standing(
  { store }: Pick<Runtime, 'store'>,
  { namespace, token, window }: Place,
): Promise<OperationRecord[]> {
  const found = await store.getMany(namespace, [token, ...(window?.neighbours ?? [])]);
  return found.flatMap((operation) => (operation ? [operation.record] : []));
}

function namedBy(records: readonly OperationRecord[]): ReadonlySet<string> {
  const values = records.flatMap((record): (StoredValue | StoredOutbox | undefined)[] => [
    'task' in record ? record.task : undefined,
    ...(record.status === 'completed' ? [record.result, record.outbox] : []),
  ]);
  return new Set(values.flatMap((value) => (value?.kind === 'blob' ? [value.name] : [])));
}

async function bestEffort(
  { clock, limits, telemetry }: Runtime,
  discard: () => Promise<void>,
): Promise<void> {
  try {
    await within(clock, limits.recordAnswerMs, discard());
  } catch (error) {
    telemetry.event('WARNING', 'A large payload that nothing needs any more could not be deleted', {
      error: String(error),
    });
  }
}
