import type { OutcomeKind } from '../operation/outcome.ts';

/**
 * `claimed`: a caller of the HTTP service may run the effect; `held`: it goes on with its claim; `free`:
 * nobody holds the operation.
 */
export type DecisionOutcome = OutcomeKind | 'claimed' | 'held' | 'free';

/** One decision about one delivery or call: what a log line, a metric and an alert are made from. */
export interface Decision {
  readonly outcome: DecisionOutcome;
  readonly action: string;
  /** Retention class. */
  readonly class: string;
  readonly store: string;
  readonly milliseconds: number;
  /** Milliseconds that asking for the token took, whatever the answer. */
  readonly checkMilliseconds: number;
  readonly attempt: number;
  /** Hashed: a token may be derived from what a customer sent. */
  readonly token: string;
  readonly namespace: string;
  readonly messageId?: string;
  readonly trace?: string;
  /** Same request under another context. */
  readonly drift?: boolean;
  readonly error?: { readonly code: string; readonly message: string };
}

export type Severity = 'DEBUG' | 'INFO' | 'NOTICE' | 'WARNING' | 'ERROR' | 'CRITICAL';

export interface Telemetry {
  decision(decision: Decision): void;
  /** Anything else worth a line: a late answer, a step's own log, a fault at the edge. */
  event(severity: Severity, message: string, fields?: Readonly<Record<string, unknown>>): void;
}
