import { describe, expect, test } from 'vitest';
import type { ColdStorage } from '../../functions/src/ports/cold-storage.ts';
import { simulateArchive } from './archive-simulate.ts';
import type { ArchiveMutant } from './archive-simulate.ts';
import { explain } from './explain.ts';

const { SEED, FAULTS } = process.env;
const SEEDS =
  SEED === undefined ? Array.from({ length: 1_000 }, (_, index) => index + 1) : [Number(SEED)];
const faultLimit = FAULTS === undefined ? {} : { faultLimit: Number(FAULTS) };
const OFTEN = SEED === undefined ? 1_000 : 0;
const TIMEOUT_MS = 300_000;
const SIMULATION = { test: 'archive.test', simulate: simulateArchive };

test(
  `${SEEDS.length} runs with archivers among the workers keep every promise`,
  async () => {
    let [archived, late] = [0, 0];
    for (const seed of SEEDS) {
      const run = await simulateArchive({ seed, ...faultLimit });
      if (run.violation) throw new Error(await explain({ seed, ...faultLimit }, SIMULATION));
      archived += run.archived;
      late += run.late;
    }
    expect(archived).toBeGreaterThan(OFTEN);
    expect(late).toBeGreaterThan(OFTEN);
  },
  TIMEOUT_MS,
);

const MUTANTS: readonly ArchiveMutant[] = [
  {
    name: 'stub first',
    breaks: 'A record becomes a stub once its copy is durable.',
    cold: (cold: ColdStorage) => ({ ...cold, put: async () => 'written' }),
  },
  {
    name: 'stub whatever stands there',
    breaks: 'The stub is conditional on the revision that was copied.',
    documents: (documents) => ({
      ...documents,
      async update(id, revision, patch) {
        if (patch['status'] !== 'archived') return documents.update(id, revision, patch);
        const { found } = await documents.read([id]);
        return documents.update(id, found[0]?.revision ?? revision, patch);
      },
    }),
  },
  {
    name: 'archive at once',
    breaks: 'Nothing is archived before it has expired.',
    documents: (documents) => ({
      ...documents,
      select: (selection, page) =>
        documents.select(
          selection.by === 'expired' ? { ...selection, before: Infinity } : selection,
          page,
        ),
      now: () => documents.now() + 3_600_000,
    }),
  },
];

describe('a rule that is broken is found out', () => {
  test.each(MUTANTS)(
    '$name: $breaks',
    async (mutant) => {
      let found: unknown;
      for (let seed = 1; seed <= 400 && !found; seed += 1) {
        found = (await simulateArchive({ seed, mutant })).violation;
      }
      expect(found).toBeDefined();
    },
    TIMEOUT_MS,
  );
});
