import { createHash } from 'node:crypto';
import { copyFileSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FunctionSource } from '../../infra/stacks/compute-stack.ts';
import { CompileError, compileFunctions, jsonText } from './compile.ts';
import type { PackageJson } from './compile.ts';
import { productionLock } from './production-lock.ts';
import type { Lock } from './production-lock.ts';
import { reachableFrom } from './reachable.ts';
import { zip } from './zip.ts';
import type { ZipEntry } from './zip.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const WORKSPACE = 'functions';

/**
 * Compiles the functions and writes what runs of them, its package.json and its lock to a zip in `outdir`.
 * The zip is named after the hash of its content: the same sources always give the same name and bytes.
 *
 * @returns its name, and its path as a stack's folder beside `outdir` sees it
 */
export function packageFunctions(outdir: string, root: string = ROOT): FunctionSource {
  const compiled = mkdtempSync(join(tmpdir(), 'agent-once-package-'));
  try {
    const entries = entriesOf(root, compiled);
    const objectName = `functions-${contentHash(entries)}.zip`;
    mkdirSync(outdir, { recursive: true });
    writeFileSync(join(outdir, objectName), zip(entries));
    return sourceIn(outdir, objectName);
  } finally {
    rmSync(compiled, { recursive: true, force: true });
  }
}

/** A package that was made before: what was tested in one environment is deployed to the next as it is. */
export function givenPackage(file: string, outdir: string): FunctionSource {
  const objectName = basename(file);
  if (!/^functions-[0-9a-f]{32}\.zip$/.test(objectName)) {
    throw new CompileError(`${file} is no package: its name is not functions-HASH.zip.`);
  }
  mkdirSync(outdir, { recursive: true });
  copyFileSync(file, join(outdir, objectName));
  return sourceIn(outdir, objectName);
}

const sourceIn = (outdir: string, objectName: string): FunctionSource => ({
  objectName,
  path: `../../${basename(outdir)}/${objectName}`,
});

function entriesOf(root: string, compiled: string): ZipEntry[] {
  const whole = compileFunctions(join(root, WORKSPACE), compiled);
  const { files, packages } = reachableFrom(compiled, whole);
  const deployed = thinned(whole, files, packages);
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as Lock;
  return [
    ...files.map((path) => ({ path, bytes: readFileSync(join(compiled, path)) })),
    { path: 'package.json', bytes: Buffer.from(jsonText(deployed)) },
    {
      path: 'package-lock.json',
      bytes: Buffer.from(jsonText(productionLock(lock, WORKSPACE, deployed))),
    },
  ];
}

/** Without what does not run: the command line, entries for other programs, and what only those need. */
function thinned(
  whole: PackageJson,
  files: readonly string[],
  packages: readonly string[],
): PackageJson {
  const { bin: _bin, ...deployed } = whole;
  const entries = Object.entries(whole.exports);
  const needed = Object.entries(whole.dependencies);
  return {
    ...deployed,
    exports: Object.fromEntries(entries.filter(([, file]) => files.includes(file.slice(2)))),
    dependencies: Object.fromEntries(needed.filter(([name]) => packages.includes(name))),
  };
}

/** Over paths and bytes, each preceded by its length, so that no two contents read alike. */
function contentHash(entries: readonly ZipEntry[]): string {
  const hash = createHash('sha256');
  for (const { path, bytes } of entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    hash.update(`${Buffer.byteLength(path)}:${path}${bytes.length}:`).update(bytes);
  }
  return hash.digest('hex').slice(0, 32);
}
