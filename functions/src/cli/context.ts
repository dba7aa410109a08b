import type { Readable } from 'node:stream';
import type { Runtime } from '../engine/runtime.ts';
import type { AuditLog } from '../ports/audit-log.ts';
import type { DeadLetters } from '../ports/dead-letters.ts';
import type { Namespace } from '../token/token.ts';
import type { ExitName } from './failure.ts';
import type { Paint } from './paint.ts';

/** The world as a command sees it. */
export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  /** Shows a line in place of the one before; empty: none. Absent where nobody watches. */
  readonly progress?: (line: string) => void;
  readonly paint: Paint;
  readonly input: Readable;
  /** The folder it was called in. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
}

/** A deployment that a command works on. */
export interface Connection {
  readonly runtime: Runtime;
  readonly namespace: Namespace;
  /** Over how many shards the sweep is spread. */
  readonly shards: number;
  /** What was never run. The caller closes it. */
  deadLetters(): Promise<DeadLetters>;
  /** What people did about operations. The caller closes it. */
  auditLog(): Promise<AuditLog>;
  close(): Promise<void>;
}

/** What a command gives back: for people a text, for programs one JSON value or one a line. */
export type Answer = (
  | { readonly kind: 'value'; readonly json: unknown }
  | { readonly kind: 'list'; readonly json: readonly unknown[] }
) & { readonly text: string; readonly exit?: ExitName };

/** What a command is given to work with. */
export interface Context extends Connection {
  readonly terminal: Terminal;
  /** The CLI with the options that reached this deployment, as a shell takes it. */
  readonly invocation: string;
}

/** Runs a command's work on the deployment that its options name, and prints what it answers. */
export type Run = (work: (context: Context) => Promise<Answer>) => Promise<void>;
