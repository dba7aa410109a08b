import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const TSC = createRequire(import.meta.url)
  .resolve('typescript/package.json')
  .replace(/package\.json$/, 'bin/tsc');

export interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly main: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** The functions could not be compiled; what the compiler said is on standard error. */
export class CompileError extends Error {
  override readonly name = 'CompileError';
}

/**
 * Compiles `functions` to a folder that can be served as it is. In the tree the package's entries are
 * TypeScript, which Node runs as they stand; the compiled copy gets a package.json of its own, whose
 * entries are the compiled files of the same names.
 *
 * @throws {CompileError}
 */
export function compileFunctions(functions: string, outdir: string): PackageJson {
  rmSync(outdir, { recursive: true, force: true });
  const { status, stdout } = spawnSync(
    process.execPath,
    [TSC, '-p', join(functions, 'tsconfig.build.json'), '--outDir', outdir],
    { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' },
  );
  if (status !== 0) throw new CompileError(`The functions don't compile:\n${stdout}`);
  const source = JSON.parse(readFileSync(join(functions, 'package.json'), 'utf8')) as PackageJson;
  const deployed = compiledPackage(source);
  writeFileSync(join(outdir, 'package.json'), jsonText(deployed));
  return deployed;
}

export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`;

const compiled = (source: string) => source.replace(/\.ts$/, '.js');

const compiledEntries = (entries: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, compiled(source)]));

function compiledPackage({
  name,
  version,
  license,
  main,
  exports,
  bin,
  dependencies,
}: PackageJson) {
  return {
    name,
    version,
    license,
    type: 'module',
    engines: { node: '24' },
    main: compiled(main),
    exports: compiledEntries(exports),
    ...(bin && { bin: compiledEntries(bin) }),
    dependencies,
  };
}
