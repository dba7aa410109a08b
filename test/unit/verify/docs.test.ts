import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { cli } from '../cli/deployment.ts';
import { endpoint } from './endpoints.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/verify.md'), 'utf8');

function blocks(language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms');
  return [...PAGE.matchAll(fence)].map(([, code]) => code ?? '');
}

test('the test that docs/verify.md shows is one that runs', () => {
  const shown = readFileSync(join(import.meta.dirname, 'shown/endpoint.test.ts'), 'utf8');
  expect(blocks('ts')).toEqual([shown]);
});

test('the command that docs/verify.md shows prints the report that it shows', async () => {
  const served = await endpoint('forgets at a restart');
  const [command] = blocks('sh');
  const args = command!
    .replaceAll('\\\n', ' ')
    .replaceAll('http://127.0.0.1:8080', new URL(served.url).origin)
    .trim()
    .split(/\s+/)
    .map((word) => word.replaceAll("'", ''));
  expect(args.shift()).toBe('agent-once');
  const { out, code } = await cli(() => Promise.reject(new Error('no store')), args);
  await served.close();
  expect(code).toBe(1);
  const report = out.replace(new URL(served.url).origin, 'http://127.0.0.1:8080');
  expect(report.trim()).toBe(blocks('text')[0]?.trim());
});
