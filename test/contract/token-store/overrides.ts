import { describe, expect, test } from 'vitest';
import type { Override } from '../../../functions/src/ports/token-store.ts';
import { benchFor, bringTo, STANDINGS } from './fixture.ts';
import type { Backend, Standing } from './fixture.ts';
import { OVERRIDES } from './override-verbs.ts';

const SETTLED_HOT: readonly Standing[] = ['completed', 'unsent', 'failed', 'cancelled'];

/** Where each verb fits, and the reason that is given where it does not. */
const FITS: Readonly<Record<Override['verb'], readonly Standing[]>> = {
  extend: SETTLED_HOT,
  hold: SETTLED_HOT,
  unhold: SETTLED_HOT,
  expire: SETTLED_HOT,
  resolve_done: ['in_doubt'],
  resolve_not_done: ['in_doubt'],
  force_release: ['claimed', 'released'],
  purge: ['completed', 'failed', 'cancelled'],
};

function reason(verb: Override['verb'], standing: Standing): RegExp {
  const status = standing === 'unsent' ? 'completed' : standing;
  switch (verb) {
    case 'extend':
    case 'hold':
    case 'unhold':
    case 'expire':
      return new RegExp(`settled, hot operations; this one is ${status}\\.`);
    case 'resolve_done':
    case 'resolve_not_done':
      return new RegExp(`in doubt can be resolved; this one is ${status}\\.`);
    case 'force_release':
      return new RegExp(`claimed or waiting operation can be released; this one is ${status}\\.`);
    case 'purge':
      if (standing === 'unsent') return /follow-up tasks are not published yet/;
      if (standing === 'archived') return /in cold storage/;
      return new RegExp(`Purging a ${status} operation would lose its task`);
  }
}

const CASES = (Object.keys(OVERRIDES) as Override['verb'][]).flatMap((verb) =>
  STANDINGS.map((standing) => ({ verb, standing })),
);
const FITTING = CASES.filter(({ verb, standing }) => FITS[verb].includes(standing));
const UNFITTING = CASES.filter(({ verb, standing }) => !FITS[verb].includes(standing));

/** A person's interventions: where they fit, and that no earlier holder outlives them. */
export function overrideContract(backend: Backend): void {
  const bench = benchFor(backend);

  describe('an override', () => {
    test.each(FITTING)('$verb fits what is $standing, and raises the fence', async (fitting) => {
      const { request, found, override } = bench();
      const asked = request();
      await bringTo(bench(), fitting.standing, asked);
      const before = await found(asked);
      const answer = await override(asked, OVERRIDES[fitting.verb]);
      const after = await found(asked);
      expect(answer).toEqual({ kind: 'overridden', found: after });
      expect(after.record.fence).toBe(before.record.fence + 1);
      expect(after.record.override).toEqual({
        verb: fitting.verb,
        actor: 'ops@example.com',
        reason: 'ticket 4711',
        at: expect.closeTo(after.updatedAt, -4),
      });
    });

    test.each(UNFITTING)(
      '$verb is refused for what is $standing, with the reason, and changes nothing',
      async ({ verb, standing }) => {
        const { request, found, override } = bench();
        const asked = request();
        await bringTo(bench(), standing, asked);
        const before = await found(asked);
        const answer = await override(asked, OVERRIDES[verb]);
        expect(answer).toEqual({
          kind: 'refused',
          why: expect.stringMatching(reason(verb, standing)),
        });
        expect(await found(asked)).toEqual(before);
      },
    );

    test.each(FITTING)(
      '$verb for what was $standing is done once by a fence that was seen, whoever sends it again',
      async (fitting) => {
        const { store, request, found } = bench();
        const asked = request();
        await bringTo(bench(), fitting.standing, asked);
        const seen = (await found(asked)).record.fence;
        const send = (reason: string) =>
          store.override(asked.facts.namespace, asked.facts.token, {
            override: OVERRIDES[fitting.verb],
            actor: 'ops@example.com',
            reason,
            ifFence: seen,
          });
        const answers = await Promise.all([send('ticket 1'), send('ticket 2')]);
        expect(answers.map(({ kind }) => kind).toSorted()).toEqual(['overridden', 'stale']);
        const after = await found(asked);
        expect(after.record.fence).toBe(seen + 1);
        expect(await send('ticket 1')).toEqual({
          kind: 'stale',
          found: after,
          why: expect.stringMatching(/changed/),
        });
        expect(await found(asked)).toEqual(after);
      },
    );

    test.each(Object.values(OVERRIDES))(
      '$verb finds nothing where nothing stands',
      async (verb) => {
        const { request, override } = bench();
        expect(await override(request(), verb)).toEqual({ kind: 'absent' });
      },
    );
  });
}
