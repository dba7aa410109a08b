import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SHOWN = join(import.meta.dirname, 'shown');
const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/testing.md'), 'utf8');

test('the code that docs/testing.md shows is the code of tests that run', () => {
  const blocks = [...PAGE.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
  const files = readdirSync(SHOWN).map((name) => readFileSync(join(SHOWN, name), 'utf8'));
  expect(new Set(blocks)).toEqual(new Set(files));
});
