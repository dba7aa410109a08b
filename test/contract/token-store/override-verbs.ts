import type { Override } from '../../../functions/src/ports/token-store.ts';

/** The result that a person gives. */
export const GIVEN = { kind: 'inline', text: '{"charged":1,"by":"hand"}' } as const;

/** One of each verb. */
export const OVERRIDES: Readonly<Record<Override['verb'], Override>> = {
  extend: { verb: 'extend', byMs: 5_000 },
  hold: { verb: 'hold' },
  unhold: { verb: 'unhold' },
  expire: { verb: 'expire' },
  resolve_done: { verb: 'resolve_done', result: GIVEN },
  resolve_not_done: { verb: 'resolve_not_done' },
  force_release: { verb: 'force_release' },
  purge: { verb: 'purge' },
};
