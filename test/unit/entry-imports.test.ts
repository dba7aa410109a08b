import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import packageJson from '../../functions/package.json' with { type: 'json' };

const FUNCTIONS = join(import.meta.dirname, '../../functions');

const STORE_SDK = /node:sqlite|@google-cloud\/(firestore|bigtable|pubsub|storage)\/|\/ioredis\//;

/** All but the entries that are stores themselves. */
const ENTRIES = Object.entries({ ...packageJson.exports, ...packageJson.bin }).filter(
  ([, source]) => !source.includes('/adapters/'),
);

/** Loads the module it is given, and prints what was resolved on the way, to the last line. */
const LOAD = `
  import { registerHooks } from 'node:module';
  const urls = [];
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      urls.push(resolved.url);
      return resolved;
    },
  });
  process.on('exit', () => console.log('\\n' + JSON.stringify(urls)));
  await import(process.argv[1]);
`;

async function modulesLoadedBy(source: string): Promise<readonly string[]> {
  const url = pathToFileURL(join(FUNCTIONS, source)).href;
  const args = ['--input-type=module', '--eval', LOAD, url, '--help'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as string[];
}

it.each(ENTRIES)('loading %s loads no SDK of a store', async (_entry, source) => {
  const loaded = await modulesLoadedBy(source);
  expect(loaded).toContainEqual(expect.stringContaining(source.slice(1)));
  expect(loaded.filter((url) => STORE_SDK.test(url))).toEqual([]);
});

it('sees an SDK that an adapter loads', async () => {
  const loaded = await modulesLoadedBy('src/adapters/embedded/store.ts');
  expect(loaded.filter((url) => STORE_SDK.test(url))).toEqual(['node:sqlite']);
});

it.each(['hono', 'express'])('the middleware for %s loads no framework', async (framework) => {
  const loaded = await modulesLoadedBy(`src/middleware/${framework}.ts`);
  expect(
    loaded.filter((url) => /\/node_modules\/(@?hono|express|@google-cloud)\//.test(url)),
  ).toEqual([]);
});

it('the client loads nothing of ours but itself', async () => {
  const loaded = await modulesLoadedBy('src/client/index.ts');
  const ours = loaded.filter((url) => url.includes('/functions/src/'));
  expect(ours.length).toBeGreaterThan(3);
  expect(ours.filter((url) => !url.includes('/src/client/'))).toEqual([]);
});

it('the harness for endpoints loads nothing of the engine', async () => {
  const loaded = await modulesLoadedBy('src/verify/index.ts');
  const ours = loaded.filter((url) => url.includes('/functions/src/'));
  expect(ours.length).toBeGreaterThan(3);
  expect(ours.filter((url) => !url.includes('/src/verify/'))).toEqual([]);
});
