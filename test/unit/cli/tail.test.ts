import { appendFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { jsonLinesTelemetry } from '../../../functions/src/adapters/system/telemetry.ts';
import type { Connect } from '../../../functions/src/cli/program.ts';
import type { OutcomeKind } from '../../../functions/src/operation/outcome.ts';
import { shownToken } from '../../../functions/src/token/token.ts';
import { scratchFolder } from '../../support/scratch-folder.ts';
import { cli } from './deployment.ts';

const TOKEN = `k1_${'A'.repeat(43)}`;

let folder: string;

beforeAll(async () => {
  folder = await scratchFolder();
});

afterAll(() => rm(folder, { recursive: true, force: true }));

const noStore: Connect = async () => {
  throw new Error('tail must not need a store');
};

/** A line as the functions log it. */
function logged(outcome: OutcomeKind, action: string, token: string = TOKEN): string {
  let line = '';
  const write = (text: string): void => void (line = text);
  const now = (): number => Date.UTC(2026, 0, 31, 3, 4, 5, 678);
  jsonLinesTelemetry({ write, now }).decision({
    outcome,
    action,
    class: 'financial',
    store: 'firestore',
    milliseconds: 12.34,
    checkMilliseconds: 3.2,
    attempt: 2,
    token: shownToken(token),
    namespace: 'shop',
  });
  return line;
}

const LOG = [
  'Serving function...\n',
  logged('completed', 'payments.charge'),
  logged('replayed', 'payments.charge', `k1_${'B'.repeat(42)}A`),
  logged('in_doubt', 'shipping.ship'),
  '{"severity":"WARNING","message":"A lease could not be renewed","time":"2026-01-31T03:04:05Z"}\n',
  '{"half a line\n',
].join('');

test('decisions and events are told one a line, and what is not from the functions is left out', async () => {
  const { code, out } = await cli(noStore, ['tail', '-'], { input: LOG });
  expect(code).toBe(0);
  const lines = out.trimEnd().split('\n');
  expect(lines).toHaveLength(4);
  expect(lines[0]).toMatch(
    /^03:04:05\.678 {2}completed +payments\.charge +attempt 2 {2}12\.3 ms {2}h1_\S{16}$/,
  );
  expect(lines[3]).toContain('A lease could not be renewed');
});

test.for([
  [['--outcome', 'in_doubt'], ['shipping.ship']],
  [
    ['--outcome', 'in_doubt', 'replayed'],
    ['payments.charge', 'shipping.ship'],
  ],
  [
    ['--action', 'payments.charge'],
    ['payments.charge', 'payments.charge'],
  ],
  [['--action', 'payments.charge', '--outcome', 'replayed'], ['payments.charge']],
  [
    ['--token', TOKEN],
    ['payments.charge', 'shipping.ship'],
  ],
] as const)('%s chooses decisions', async ([options, actions]) => {
  const { out } = await cli(noStore, ['tail', '-', ...options], { input: LOG });
  const lines = out.trimEnd().split('\n');
  expect(lines.map((line) => /\S+\.\S+(?= +attempt)/.exec(line)?.[0])).toEqual(actions);
});

test('--json gives the lines as they were logged', async () => {
  const { out } = await cli(noStore, ['--json', 'tail', '-', '--outcome', 'completed'], {
    input: LOG,
  });
  expect(out).toBe(logged('completed', 'payments.charge'));
});

test('an outcome that does not exist ends with 2 and names those that do', async () => {
  const { code, err } = await cli(noStore, ['tail', '-', '--outcome', 'done']);
  expect(code).toBe(2);
  expect(err).toContain('in_flight_elsewhere');
});

test('a file is followed line by line, also where it is started anew, until the signal', async () => {
  const path = join(folder, 'functions.log');
  await writeFile(path, logged('completed', 'a.b'));
  const stopping = new AbortController();
  const steps = [
    () => appendFile(path, logged('replayed', 'a.b').slice(0, 20)),
    () => appendFile(path, logged('replayed', 'a.b').slice(20)),
    () => writeFile(path, logged('in_doubt', 'c.d')),
  ];
  const seen: string[] = [];
  await steps[0]!();
  const { code } = await cli(noStore, ['tail', 'functions.log'], {
    folder,
    signal: stopping.signal,
    onOut(text) {
      seen.push(/completed|replayed|in_doubt/.exec(text)?.[0] ?? text);
      if (seen.length < 3) void steps[seen.length]!();
      else stopping.abort();
    },
  });
  expect(code).toBe(0);
  expect(seen).toEqual(['completed', 'replayed', 'in_doubt']);
});

test('--no-follow stops at the end of the file', async () => {
  const path = join(folder, 'finished.log');
  await writeFile(path, logged('completed', 'a.b').trimEnd());
  const { code, out } = await cli(noStore, ['tail', path, '--no-follow']);
  expect(code).toBe(0);
  expect(out).toContain('completed');
});

test('a log that is not there ends with 3', async () => {
  const { code, err } = await cli(noStore, ['tail', join(folder, 'nowhere.log')]);
  expect(code).toBe(3);
  expect(err).toContain('nowhere.log');
});
