/** What a program that calls the CLI can tell apart. Documented in docs/operations.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  storeAway: 5,
} as const;

export type ExitName = keyof typeof EXIT;

/** A command that can't do what it was asked: what happened, to what, and what to do about it. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exit: Exclude<ExitName, 'ok'>;
  readonly advice: string | undefined;

  constructor(
    exit: Exclude<ExitName, 'ok'>,
    message: string,
    { advice, ...options }: ErrorOptions & { readonly advice?: string } = {},
  ) {
    super(message, options);
    this.exit = exit;
    this.advice = advice;
  }
}
