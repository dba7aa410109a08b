import { erasePurged } from '../engine/cold-erase.ts';
import { overrideAudited } from '../engine/intervene.ts';
import { purgeAudited } from '../engine/intervene-cold.ts';
import type { Signed } from '../engine/intervene-cold.ts';
import { packValue, sameValue } from '../engine/payload.ts';
import type { StoredOperation } from '../operation/record.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { Override } from '../ports/token-store.ts';
import type { Token } from '../token/token.ts';
import { onRecord } from './audit.ts';
import { coldOf } from './cold-of.ts';
import { publishStoredTask } from './commands/republish.ts';
import { absent } from './commands/show.ts';
import type { Signature } from './commands/signature.ts';
import type { Context } from './context.ts';
import { Failure } from './failure.ts';
import type { Wanted } from './operations.ts';
import { purgeCopies, whyNotPurged } from './purge-copies.ts';

/** Intervenes in the record, and publishes its task where that follows. */
export async function interveneInStore(
  context: Context,
  token: Token,
  wanted: Wanted,
  signature: Signature,
): Promise<StoredOperation> {
  const override = await overrideOf(context, token, wanted);
  const { runtime, namespace } = context;
  return onRecord(context, async (audit) => {
    const asked = { namespace, token, ...signature };
    const cold = wanted.verb === 'purge' && (await purgedCold(context, audit, asked));
    if (cold) return cold;
    let seen: StoredOperation | undefined;
    const answer = await overrideAudited(runtime, audit, { ...asked, override }, async (found) => {
      seen = found;
      return override.verb === 'purge' ? whyNotPurged(context, found) : undefined;
    });
    const done = await carriedOut(context, token, override, answer);
    if (override.verb === 'purge' && seen) await purgeCopies(context, seen);
    return done;
  });
}

async function carriedOut(
  context: Context,
  token: Token,
  override: Override,
  answer: Awaited<ReturnType<typeof overrideAudited>>,
): Promise<StoredOperation> {
  switch (answer.kind) {
    case 'absent':
      throw absent(context, token);
    case 'overridden': {
      const publishes = isResolution(override) || override.verb === 'force_release';
      if (publishes) await publishIfKept(context, answer.found);
      if (override.verb === 'purge') await erasePurged(context.runtime, answer.found.record);
      return answer.found;
    }
    case 'stale':
      throw leftAsItWas(token, 'It changed meanwhile. Look at it, and ask again.');
    case 'refused':
      if (isResolution(override)) return resolvedBefore(context, token, override, answer.why);
      throw leftAsItWas(token, answer.why);
  }
}

/** A program's own guarded call keeps no task: that program asks again. */
async function publishIfKept(context: Context, found: StoredOperation): Promise<void> {
  if ('task' in found.record && found.record.task) await publishStoredTask(context, found);
}

type Resolution = Extract<Override, { verb: 'resolve_done' | 'resolve_not_done' }>;

function isResolution(override: Override): override is Resolution {
  return override.verb === 'resolve_done' || override.verb === 'resolve_not_done';
}

async function overrideOf(
  { runtime, namespace }: Context,
  token: Token,
  wanted: Wanted,
): Promise<Override> {
  if (wanted.verb !== 'resolve_done') return wanted;
  const owner = { namespace, token, claimId: runtime.newClaimId() };
  const result = await packValue(wanted.result, runtime.blobs, owner);
  return { verb: 'resolve_done', result };
}

function leftAsItWas(token: string, why: string, advice?: string): Failure {
  const message = `Operation ${token} is left as it was. ${why}`;
  return new Failure('refused', message, advice === undefined ? {} : { advice });
}

/** The same verdict given again: a crash may have come between it and the publishing. */
async function resolvedBefore(
  context: Context,
  token: Token,
  resolution: Resolution,
  why: string,
): Promise<StoredOperation> {
  const found = await context.runtime.store.get(context.namespace, token);
  if (!found) throw absent(context, token);
  const { record } = found;
  if (record.override?.verb !== resolution.verb || !sameVerdict(record, resolution)) {
    throw leftAsItWas(token, why, adviceFor(context, found));
  }
  const published = record.status === 'completed' && record.sent;
  if (!published) await publishIfKept(context, found);
  return found;
}

function sameVerdict(record: StoredOperation['record'], resolution: Resolution): boolean {
  if (resolution.verb === 'resolve_not_done') return record.status === 'released';
  return record.status === 'completed' && sameValue(record.result, resolution.result);
}

function adviceFor({ invocation }: Context, { record }: StoredOperation): string {
  const { override, token, status } = record;
  const look = `${invocation} show ${token}`;
  if (override?.verb.startsWith('resolve_')) {
    return `${override.actor} resolved it already (${override.verb}: ${override.reason}). See: ${look}`;
  }
  return status === 'claimed'
    ? `Once its lease has ended, a sweep parks it if it is in doubt: ${invocation} sweep. See: ${look}`
    : `See: ${look}`;
}

/** An archived operation is purged where its payload is. `undefined`: it is not archived. */
async function purgedCold(
  context: Context,
  audit: AuditLog,
  asked: Signed,
): Promise<StoredOperation | undefined> {
  const { runtime } = context;
  const { namespace, token } = asked;
  const found = await runtime.store.get(namespace, token);
  if (found?.record.status !== 'archived') return undefined;
  const answer = await purgeAudited(runtime, audit, coldOf(context), asked);
  switch (answer.kind) {
    case 'purged':
      return answer.found;
    case 'refused':
      throw leftAsItWas(token, answer.why);
    case 'absent':
      throw absent(context, token);
    case 'hot':
      return undefined;
  }
}
