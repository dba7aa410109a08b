import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveApi } from './service.ts';
import type { ServedApi } from './service.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/http-service.md'), 'utf8');
const run = promisify(execFile);

let api: ServedApi;

beforeEach(async () => {
  api = await serveApi();
});

afterEach(() => api.close());

/** The page's program in a language, calling this test's service. */
function programIn(language: string): string {
  const program = new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(PAGE)?.[1];
  if (program === undefined) throw new Error(`The page has no program in ${language}.`);
  return program.replaceAll('http://127.0.0.1:8080', api.url);
}

describe('the programs that the page shows', () => {
  it('guard a call by curl', async () => {
    const { stdout } = await run('bash', ['-euc', programIn('sh')]);
    expect(stdout).toContain('"state":"completed"');
    expect(stdout).toContain('"result":{"charge":"c1"}');
  });

  it('guard a call in Python, and replay it', async () => {
    const { stdout } = await run('python3', ['-c', programIn('python')]);
    expect(stdout).toBe("{'charge': 'c2'}\n{'charge': 'c2'}\n");
  });
});
