import { recordedError, StoreAway } from '../operation/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { PublishedState } from '../ports/published-state.ts';
import type { StateStore } from '../ports/state-store.ts';
import type { Telemetry } from '../ports/telemetry.ts';
import { within } from './within.ts';

interface Surroundings {
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

/** A write that stands is not kept waiting for a topic that is away. */
const PUBLISH_MS = 1_000;

/**
 * The same store, with each version published right after its write. What is not published in time, or
 * not known to be, stays owed: `publishOwed` sees to it. A write's answer never depends on the topic.
 */
export function publishingState(
  store: StateStore,
  to: PublishedState,
  { clock, telemetry }: Surroundings,
): StateStore {
  return {
    ...store,
    async write(namespace, entity, write) {
      const answer = await store.write(namespace, entity, write);
      if (answer.kind !== 'written') return answer;
      const { token, schemaVersion, text } = write;
      const { version, at } = answer;
      const made = { namespace, entity, version, token, schemaVersion, text, at };
      try {
        await taken(clock, PUBLISH_MS, to.publisher.publish([made]));
        await within(clock, PUBLISH_MS, to.owed.markPublished([made]));
      } catch (error) {
        telemetry.event('WARNING', 'A version of state is not published yet; a sweep does it', {
          namespace,
          error: recordedError(error),
        });
      }
      return answer;
    },
  };
}

export interface PublishedOwed {
  readonly versions: number;
  /** Versions that the topic did not take, or a store that gave no answer. */
  readonly failed: number;
}

/** A version takes up to 700 KiB. */
const PAGE = 50;
const TOPIC_ANSWER_MS = 20_000;

/**
 * Publishes what is owed: what a crash, or a topic that was away, has left. Safe to run twice at once,
 * and beside writers: a version may be published more than once, and is the same each time.
 *
 * @param limit the most versions that one run publishes; what is left is found by the next
 */
export async function publishOwed(
  to: PublishedState,
  { clock, telemetry }: Surroundings,
  limit = 5_000,
): Promise<PublishedOwed> {
  let [versions, failed] = [0, 0];
  const report = (error: unknown): void =>
    telemetry.event('ERROR', 'Versions of state are not published yet; the next sweep goes on', {
      error: recordedError(error),
    });
  try {
    let after: string | undefined;
    do {
      const size = Math.min(PAGE, limit - versions - failed);
      const page = await to.owed.owed({ limit: size, ...(after !== undefined && { after }) });
      // One by one: a version that the topic refuses must not keep the others back.
      const sent = await Promise.allSettled(
        page.versions.map((each) => taken(clock, TOPIC_ANSWER_MS, to.publisher.publish([each]))),
      );
      const durable = page.versions.filter((_, index) => sent[index]?.status === 'fulfilled');
      if (durable.length > 0) await to.owed.markPublished(durable);
      versions += durable.length;
      failed += page.versions.length - durable.length;
      const refused = sent.find((each) => each.status === 'rejected');
      if (refused) report(refused.reason);
      if (page.versions.length > 0 && durable.length === 0) break; // the topic is away
      after = page.next;
    } while (after !== undefined && versions + failed < limit);
  } catch (error) {
    report(error);
    failed += 1;
  }
  return { versions, failed };
}

async function taken(clock: Clock, ms: number, publishing: Promise<void>): Promise<void> {
  try {
    await within(clock, ms, publishing);
  } catch (error) {
    if (!(error instanceof StoreAway)) throw error;
    throw new Error(`The topic of state gave no answer within ${ms} ms.`, { cause: error });
  }
}
