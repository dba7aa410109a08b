import { unlessAway } from './state-mutants.ts';
import type { StateMutant } from './state-world.ts';

/** One broken rule of logical time each. Every one of them must be noticed. */
export const TIME_MUTANTS: readonly StateMutant[] = [
  {
    name: 'blocks-of-ones-own',
    breaks: 'a process counts its blocks by itself',
    times: (store) => ({
      ...store,
      reserveBlock: async (_namespace, size, after = 0) => ({
        from: after + 1,
        to: after + 1 + size,
      }),
    }),
  },
  {
    name: 'unknown-is-reserved',
    breaks: 'a block is used though no answer said that it is reserved',
    times: (store) => ({
      ...store,
      async reserveBlock(namespace, size, after = 0) {
        const block = await store.reserveBlock(namespace, size, after).catch(unlessAway);
        return block ?? { from: after + 1, to: after + 1 + size };
      },
    }),
  },
];
