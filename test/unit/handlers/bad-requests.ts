import { bodyBytes } from '../../../functions/src/handlers/push-request.ts';
import type { PushRequest } from '../../../functions/src/handlers/push-request.ts';
import type { RawMessage } from '../../../functions/src/ports/task-publisher.ts';
import { seededRandom } from '../../support/seeded-random.ts';
import { badBody, badEnvelope, badHeaders, enveloped } from './bad-envelopes.ts';
import { badAttribute, badData, badDepth, badField, pick } from './bad-tasks.ts';
import type { Random } from './bad-tasks.ts';
import { pushTo, testReceiver } from './receiver.ts';
import type { Answer, TestReceiver } from './receiver.ts';

/** A push request that is broken in one place. */
export interface Bad {
  readonly request: PushRequest;
  readonly field: string;
  /** What has to lie in the dead-letter topic. */
  readonly data: Uint8Array;
}

export function badRequest(random: Random): Bad {
  const kind = random();
  if (kind < 0.3) {
    const { request, field } = pick(random, [badEnvelope, badEnvelope, badHeaders, badBody])(
      random,
    );
    return { request, field, data: bodyBytes(request) };
  }
  const makers = kind < 0.33 ? [badDepth] : [badField, badField, badField, badAttribute, badData];
  const { message, field } = pick(random, makers)(random);
  return { request: enveloped(random, message), field, data: message.data };
}

/** What is wrong with how a bad request was answered; nothing, as it should be. */
function complaint(
  { field, data }: Bad,
  { status }: Answer,
  letters: readonly { message: RawMessage; reason: { faults: readonly string[] } }[],
): string | undefined {
  const [letter, ...others] = letters;
  if (status !== 204) return `it was answered ${status}`;
  if (!letter || others.length > 0) return `it left ${letters.length} dead letters`;
  if (!Buffer.from(letter.message.data).equals(data)) return 'its dead letter lost the data';
  const { faults } = letter.reason;
  if (faults.length === 0) return 'it has no fault';
  const astray = faults.filter((fault) => !new RegExp(`^${field}(?:[.[<].*)?: .`, 's').test(fault));
  return astray.length === 0 ? undefined : astray.join('; ');
}

/** The first few complaints about how bad requests were answered, and the receiver that they met. */
export async function pushBadRequests(
  cases: number,
  seed: number,
): Promise<{ complaints: readonly string[]; receiver: TestReceiver }> {
  const random = seededRandom(seed);
  const receiver = testReceiver();
  const push = pushTo(receiver);
  const complaints: string[] = [];
  for (let index = 0; index < cases && complaints.length < 5; index += 1) {
    const bad = badRequest(random);
    const answer = await push(bad.request);
    const wrong = complaint(bad, answer, receiver.deadLetters.splice(0));
    if (wrong === undefined) continue;
    const shown = Buffer.from(bad.data).toString().slice(0, 160);
    complaints.push(`case ${index} of seed ${seed}, broken in ${bad.field}: ${wrong}\n  ${shown}`);
  }
  return { complaints, receiver };
}
