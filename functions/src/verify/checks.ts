import type { Reply, Target } from './target.ts';
import {
  contentOf,
  equal,
  failed,
  notChecked,
  PASSED,
  refused,
  shown,
  succeeded,
} from './verdict.ts';
import type { Verdict } from './verdict.ts';

export type CheckName =
  | 'first'
  | 'same'
  | 'varied'
  | 'mismatch'
  | 'concurrent'
  | 'restart'
  | 'expiry';

/** The operation that the others are compared with. */
export interface First {
  readonly key: string;
  readonly reply: Reply;
  readonly effects: number | undefined;
}

export interface Check {
  readonly name: CheckName;
  readonly title: string;
  run(target: Target, first: First): Promise<Verdict>;
}

/** The seed's integration steps behind the first, in an order in which none disturbs the next. */
export const CHECKS: readonly Check[] = [
  { name: 'same', title: 'the same operation again: the same result', run: same },
  { name: 'mismatch', title: 'the same key with other parameters: refused', run: mismatch },
  { name: 'varied', title: 'other parameters under their own key: another result', run: other },
  { name: 'concurrent', title: 'identical requests at the same time: one effect', run: concurrent },
  { name: 'restart', title: 'the same operation after a restart: the same result', run: restart },
  { name: 'expiry', title: 'the same operation after its expiry: handled', run: expiry },
];

/** A new operation, to compare others with; or why nothing can be compared with it. */
export async function runFirst(target: Target): Promise<First | Verdict> {
  const key = target.newKey();
  const before = await target.effects();
  const reply = await target.send(key, target.body);
  if (!succeeded(reply)) {
    return failed('no_success', `A new request was answered ${shown(reply)}.`);
  }
  const effects = await target.effects();
  if (before !== undefined && effects === before) {
    const why = `A new request was answered ${shown(reply)}, but no effect was counted.`;
    return failed('runs_never', why);
  }
  return { key, reply, effects };
}

async function same(target: Target, first: First): Promise<Verdict> {
  return repeated(target, first, 'The same request was sent again');
}

async function repeated(target: Target, { key, reply }: First, when: string): Promise<Verdict> {
  const before = await target.effects();
  const again = await target.send(key, target.body);
  const more = await effectsSince(target, before);
  if (more !== undefined && more > 0) {
    return failed('runs_again', `${when}, and its effect was made again.`);
  }
  if (equal(again, reply)) return PASSED;
  const answers = `answered ${shown(again)} instead of ${shown(reply)}`;
  if (more === 0 || again.replayed || again.status !== reply.status) {
    return failed('other_reply', `${when}, and was ${answers}. A replay is the reply as it was.`);
  }
  return failed('runs_again', `${when}, and was ${answers}: its effect was made again.`);
}

async function mismatch(target: Target, { key, reply }: First): Promise<Verdict> {
  const before = await target.effects();
  const answer = await target.send(key, target.otherBody);
  const more = await effectsSince(target, before);
  if (more !== undefined && more > 0) {
    return failed('not_refused', 'A used key with other parameters made another effect.');
  }
  if (refused(answer)) {
    const note = `It is refused with ${answer.status}; the draft asks for 422.`;
    return answer.status === 422 ? PASSED : { outcome: 'passed', note };
  }
  const how = equal(answer, reply)
    ? 'with the result of the first request, whose parameters were others'
    : `with ${shown(answer)}`;
  return failed(
    'not_refused',
    `A used key with other parameters was answered ${how}, not refused.`,
  );
}

async function other(target: Target, { reply }: First): Promise<Verdict> {
  const before = await target.effects();
  const answer = await target.send(target.newKey(), target.otherBody);
  if (!succeeded(answer)) {
    return failed('no_success', `Other parameters under a new key were answered ${shown(answer)}.`);
  }
  const more = await effectsSince(target, before);
  if (more === 1) return PASSED;
  if (more !== undefined) {
    return failed('not_varied', `Other parameters under a new key made ${more} effects, not one.`);
  }
  if (contentOf(answer) !== contentOf(reply)) return PASSED;
  return failed(
    'not_varied',
    `Other parameters under a new key were answered the same, ${shown(answer)}. If replies don’t name ` +
      'their effects, have the effects counted.',
  );
}

async function concurrent(target: Target): Promise<Verdict> {
  const key = target.newKey();
  const before = await target.effects();
  const sent = Array.from({ length: target.concurrency }, () => target.send(key, target.body));
  const replies = await Promise.all(sent);
  const done = replies.filter(succeeded);
  const [one] = done;
  if (!one) {
    const seen = [...new Set(replies.map(shown))].join('; ');
    return failed('runs_never', `None of ${replies.length} requests got a result: ${seen}.`);
  }
  const more = await effectsSince(target, before);
  const results = new Set(done.map(contentOf)).size;
  const effects = more ?? results;
  if (effects > 1) {
    const how = more === undefined ? 'different results' : 'effects';
    return failed('runs_twice', `${replies.length} identical requests made ${effects} ${how}.`);
  }
  if (effects === 0) return failed('runs_never', 'A result was answered, but no effect counted.');
  const odd = replies.find((reply) => !equal(reply, one) && !waits(reply));
  if (odd) {
    const why = `One request was answered ${shown(one)}, another ${shown(odd)}: neither the same nor 409.`;
    return failed('other_reply', why);
  }
  return repeated(target, { key, reply: one, effects: undefined }, 'It was asked again afterwards');
}

/** Come back later: the request is being carried out. */
function waits({ status }: Reply): boolean {
  return status === 409 || status === 425 || status === 429;
}

async function restart(target: Target): Promise<Verdict> {
  const { restart: restartIt } = target.options;
  if (!restartIt) return notChecked('Nothing was given that restarts the endpoint.');
  const first = await runFirst(target);
  if ('outcome' in first) return first;
  await restartIt();
  const verdict = await repeated(target, first, 'The same request was sent again after a restart');
  return verdict.outcome === 'failed' && verdict.fault === 'runs_again'
    ? failed('forgets', `${verdict.why} What is recorded has to outlive the process.`)
    : verdict;
}

async function expiry(target: Target): Promise<Verdict> {
  const { expire, afterExpiry = 'kept' } = target.options;
  if (!expire) return notChecked('Nothing was given that lets time pass.');
  const first = await runFirst(target);
  if ('outcome' in first) return first;
  await expire();
  const before = await target.effects();
  const answer = await target.send(first.key, target.body);
  const more = await effectsSince(target, before);
  const ranAgain = more === undefined ? !equal(answer, first.reply) && succeeded(answer) : more > 0;
  if (afterExpiry === 'forgotten') {
    if (ranAgain && succeeded(answer)) return PASSED;
    return failed(
      'other_reply',
      `After its expiry the key was answered ${shown(answer)}, not anew.`,
    );
  }
  if (ranAgain) {
    return failed('forgets', 'After its expiry the same request made its effect again.');
  }
  if (refused(answer) || equal(answer, first.reply)) return PASSED;
  return failed(
    'other_reply',
    `After its expiry the key was answered ${shown(answer)}: neither the result nor a refusal.`,
  );
}

async function effectsSince(
  target: Target,
  before: number | undefined,
): Promise<number | undefined> {
  const now = await target.effects();
  return now === undefined || before === undefined ? undefined : now - before;
}
