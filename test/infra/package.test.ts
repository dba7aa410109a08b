import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageFunctions } from '../../scripts/package/package-functions.ts';
import { productionLock } from '../../scripts/package/production-lock.ts';
import type { Lock } from '../../scripts/package/production-lock.ts';
import { zip } from '../../scripts/package/zip.ts';
import { readZip } from './support/unzip.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the package of the functions', () => {
  let folder: string;
  /** A copy of what is packaged, to be changed. */
  let tree: string;
  let first: ReturnType<typeof packaged>;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'agent-once-package-test-'));
    tree = join(folder, 'tree');
    const skipped = /\/(?:dist|node_modules)$/;
    cpSync(join(ROOT, 'functions'), join(tree, 'functions'), {
      recursive: true,
      filter: (path) => !skipped.test(path),
    });
    for (const file of ['tsconfig.json', 'package-lock.json'])
      cpSync(join(ROOT, file), join(tree, file));
    symlinkSync(join(ROOT, 'node_modules'), join(tree, 'node_modules'));
    first = packaged('first');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const packaged = (to: string) => {
    const { objectName, path } = packageFunctions(join(folder, to), tree);
    return { objectName, path, bytes: readFileSync(join(folder, to, objectName)) };
  };

  it('has the same name and bytes every time, another name once a source is another', () => {
    expect(first.path).toBe(`../../first/${first.objectName}`);
    const second = packaged('second');
    expect(second.objectName).toBe(first.objectName);
    expect(second.bytes.equals(first.bytes)).toBe(true);

    appendFileSync(join(tree, 'functions/src/cli/main.ts'), '\nexport const added = 1;\n');
    expect(packaged('command-line-changed').objectName).toBe(first.objectName);

    appendFileSync(join(tree, 'functions/agents/order/order.ts'), '\nexport const added = 1;\n');
    const changed = packaged('agent-changed');
    expect(changed.objectName).not.toBe(first.objectName);
    expect(changed.bytes.equals(first.bytes)).toBe(false);
  });

  it('holds what runs, and nothing else', () => {
    const files = [...readZip(first.bytes).keys()];
    expect(files).toEqual(
      expect.arrayContaining(['package.json', 'src/main.js', 'agents/index.js']),
    );
    expect(
      files.filter((path) => !/^(?:src|agents)\/.*\.js$|^package(?:-lock)?\.json$/.test(path)),
    ).toEqual([]);
    expect(files.filter((path) => /^src\/(?:cli|testing|client)\//.test(path))).toEqual([]);
    expect(files).toEqual(files.toSorted());
  });
});

describe('a zip', () => {
  const entries = [
    { path: 'b/é.js', bytes: Buffer.from('second') },
    { path: 'a.js', bytes: Buffer.alloc(100_000, 'x') },
    { path: 'empty', bytes: Buffer.alloc(0) },
  ];

  it('is read back to what went in, whatever the order', () => {
    const files = readZip(zip(entries));
    expect([...files.keys()]).toEqual(['a.js', 'b/é.js', 'empty']);
    for (const { path, bytes } of entries) expect(files.get(path)?.equals(bytes)).toBe(true);
    expect(zip(entries.toReversed()).equals(zip(entries))).toBe(true);
  });
});

describe('the lock of the deployed package', () => {
  const deployed = { name: 'd', version: '1', license: 'MIT', dependencies: { a: '1' } };
  const lock = (packages: Lock['packages']): Lock => ({ lockfileVersion: 3, packages });
  const placesIn = (root: Lock) =>
    Object.keys(productionLock(root, 'functions', deployed).packages);

  it('has what its dependencies need, found as Node finds it, and no more', () => {
    const root = lock({
      'functions/node_modules/a': {
        version: '2',
        dependencies: { b: '1' },
        optionalDependencies: { absent: '1' },
        peerDependencies: { peer: '1', spare: '1' },
        peerDependenciesMeta: { spare: { optional: true } },
      },
      'node_modules/a': { version: '1' },
      'node_modules/b': { version: '1', dependencies: { c: '1' } },
      'node_modules/b/node_modules/c': { version: '3' },
      'node_modules/c': { version: '1' },
      'node_modules/peer': { version: '1' },
      'node_modules/spare': { version: '1' },
      'node_modules/test-only': { version: '1' },
    });
    expect(placesIn(root)).toEqual([
      '',
      'node_modules/a',
      'node_modules/b',
      'node_modules/b/node_modules/c',
      'node_modules/peer',
    ]);
    const { packages } = productionLock(root, 'functions', deployed);
    expect(packages['node_modules/a']?.version).toBe('2');
  });

  it('is not made where the lock of the repository lacks something', () => {
    const root = lock({ 'node_modules/a': { version: '1', dependencies: { gone: '1' } } });
    expect(() => placesIn(root)).toThrow(
      'package-lock.json lacks gone, which node_modules/a needs',
    );
  });

  it('is not made where two versions would lie in one place', () => {
    const root = lock({
      'functions/node_modules/a': { version: '2', dependencies: { b: '1' } },
      'functions/node_modules/b': { version: '2', dependencies: { c: '1' } },
      'node_modules/b': { version: '1' },
      'node_modules/c': { version: '1', dependencies: { b: '1' } },
    });
    expect(() => placesIn(root)).toThrow('Two versions of node_modules/b');
  });
});
