/*
 * npm run build: compiles functions to functions/dist, a directory that can be deployed as it is.
 *
 * In the tree the package's entries are TypeScript, which Node runs as they stand. The deployed
 * copy gets a package.json of its own, whose entries are the compiled files of the same names.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FUNCTIONS = fileURLToPath(new URL('../functions/', import.meta.url));

interface PackageJson {
  name: string;
  version: string;
  license: string;
  main: string;
  exports: Record<string, string>;
  bin: Record<string, string>;
  dependencies: Record<string, string>;
}

const compiled = (source: string) => source.replace(/\.ts$/, '.js');

const compiledEntries = (entries: Record<string, string>) =>
  Object.fromEntries(Object.entries(entries).map(([name, source]) => [name, compiled(source)]));

function deployedPackage(source: PackageJson) {
  return {
    name: source.name,
    version: source.version,
    license: source.license,
    type: 'module',
    engines: { node: '24' },
    main: compiled(source.main),
    exports: compiledEntries(source.exports),
    bin: compiledEntries(source.bin),
    dependencies: source.dependencies,
  };
}

rmSync(`${FUNCTIONS}dist`, { recursive: true, force: true });
const tsc = spawnSync('tsc', ['-p', `${FUNCTIONS}tsconfig.build.json`], { stdio: 'inherit' });
if (tsc.status !== 0) process.exit(tsc.status ?? 1);
const source = JSON.parse(readFileSync(`${FUNCTIONS}package.json`, 'utf8')) as PackageJson;
const deployed = `${JSON.stringify(deployedPackage(source), undefined, 2)}\n`;
writeFileSync(`${FUNCTIONS}dist/package.json`, deployed);
