import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnvironment } from '../../../infra/environment.ts';
import type { Environment, EnvironmentSettings } from '../../../infra/environment.ts';
import { environment as dev } from '../../../infra/environments/dev.ts';
import { environment as prod } from '../../../infra/environments/prod.ts';
import { environment as staging } from '../../../infra/environments/staging.ts';
import { readSynthesised } from '../../../infra/policy/synthesised.ts';
import type { Resource } from '../../../infra/policy/synthesised.ts';
import { synthesise } from '../../../infra/synthesise.ts';

/** The examples that come with the project, and one that has all there is to have. */
export const ENVIRONMENTS: Readonly<Record<string, EnvironmentSettings>> = {
  dev,
  staging,
  prod,
  everything: {
    ...prod,
    name: 'everything',
    httpRequest: { origins: ['https://agents.example.com'], effect: 'idempotent' },
    retention: { ...prod.retention, lock: { days: 30, locked: true }, deleteAfterDays: 3_650 },
  },
};

export const SOURCE = { objectName: 'functions-0.zip', path: '../../source/functions-0.zip' };

export const environmentOf = (name: string): Environment => parseEnvironment(ENVIRONMENTS[name]);

/** Synthesises into a folder of its own, which is gone when `read` is done with it. */
export function synthesised<T>(environment: Environment, read: (outdir: string) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'agent-once-synth-'));
  try {
    synthesise(environment, SOURCE, outdir);
    return read(outdir);
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

const known = new Map<string, readonly Resource[]>();

/** What an environment is synthesised to, once for each file of tests. Not to be changed. */
export function resourcesOf(name: string): readonly Resource[] {
  const found = known.get(name) ?? synthesised(environmentOf(name), readSynthesised);
  known.set(name, found);
  return found;
}
