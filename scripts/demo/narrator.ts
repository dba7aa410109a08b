import type { EffectKind } from '../../functions/agents/sandbox/contract.ts';
import type { SandboxEvent } from '../../functions/agents/sandbox/events.ts';
import type { LogEntry } from '../../functions/src/cli/log-entry.ts';
import { shownToken } from '../../functions/src/token/token.ts';
import type { Scene } from './scenes.ts';
import type { Timeline } from './timeline.ts';

type Decision = NonNullable<LogEntry['decision']>;

export interface Narrator {
  provider(event: SandboxEvent): void;
  decision(who: string, decision: Decision, time: string | undefined): void;
}

/** Tells what provider and workers report of the scenes that are to be shown. */
export function narrator(timeline: Timeline, shown: readonly Scene[]): Narrator {
  const names = new Set(shown.map(({ name }) => name));
  const orderOf = new Map(
    shown.flatMap(({ name, acts }) => acts.map(({ token }) => [shownToken(token), name])),
  );
  const label = (orderId: string): string => (shown.length > 1 ? `${orderId}: ` : '');

  return {
    provider(event) {
      if (event.orderId === null || !names.has(event.orderId)) return;
      const what = providerText(event);
      if (what !== undefined) {
        timeline.add('provider', label(event.orderId) + what, Date.parse(event.at));
      }
    },
    decision(who, decision, time) {
      const orderId = orderOf.get(decision.token);
      if (orderId === undefined) return;
      const at = time === undefined ? Date.now() : Date.parse(time);
      timeline.add(who, label(orderId) + decisionText(decision), at);
    },
  };
}

const DEEDS: Partial<Record<EffectKind, string>> = {
  reserve: 'reserves the stock',
  charge: 'charges the card',
  ship: 'ships the parcel',
  refund: 'pays the charge back',
  release: 'releases the stock',
  tracked: 'books the hotel',
  keyed: 'takes the payment',
};

function providerText(event: SandboxEvent): string | undefined {
  switch (event.event) {
    case 'effect':
      return `${DEEDS[event.effect.kind] ?? event.effect.kind}: ${event.effect.id}`;
    case 'replayed':
      return `knows this ${event.effect.honours}: answers ${event.effect.id}, does nothing again`;
    case 'held':
      return 'holds its answer back';
    case 'answer-lost':
      return 'its answer reaches nobody';
    case 'received':
    case 'answered':
    case 'request-lost':
      return undefined;
  }
}

function decisionText({ action, outcome, attempt, error }: Decision): string {
  switch (outcome) {
    case 'completed':
      return `${action}  completed and recorded, attempt ${attempt}`;
    case 'terminal_error':
      return `${action}  failed for good: ${error?.message ?? ''}`;
    case 'replayed':
      return `${action}  duplicate: answered from the record`;
    case 'in_flight_elsewhere':
      return `${action}  duplicate: another message's run holds the token`;
    case 'in_flight_here':
      return `${action}  delivered again, but the lost claim has not lapsed yet: later`;
    default:
      return `${action}  ${outcome}${error ? `: ${error.message}` : ''}`;
  }
}
