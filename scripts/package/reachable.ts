import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import type { PackageJson } from './compile.ts';

export interface Reachable {
  /** Files, relative to the folder, sorted. */
  readonly files: readonly string[];
  /** Packages of others that they import, sorted. */
  readonly packages: readonly string[];
}

const IMPORTS = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g;

/** What the package's `main` loads, at once or later: the rest of the package runs nowhere. */
export function reachableFrom(folder: string, { name, main, exports }: PackageJson): Reachable {
  const files = new Set<string>();
  const packages = new Set<string>();
  const waiting = [normalize(main)];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (files.has(file)) continue;
    files.add(file);
    for (const [, , wanted = ''] of readFileSync(join(folder, file), 'utf8').matchAll(IMPORTS)) {
      const target = localFile(wanted);
      if (target === undefined) addPackage(wanted);
      else if (existsSync(join(folder, target(file)))) waiting.push(target(file));
    }
  }
  return { files: [...files].toSorted(), packages: [...packages].toSorted() };

  function localFile(wanted: string): ((from: string) => string) | undefined {
    if (wanted.startsWith('.')) return (from) => normalize(join(dirname(from), wanted));
    if (wanted !== name && !wanted.startsWith(`${name}/`)) return undefined;
    const entry = exports[`.${wanted.slice(name.length)}`];
    if (entry === undefined)
      throw new Error(`${wanted} is imported, and ${name} exports no such thing.`);
    return () => normalize(entry);
  }

  function addPackage(wanted: string): void {
    if (wanted.startsWith('node:')) return;
    const parts = wanted.split('/');
    packages.add(parts.slice(0, wanted.startsWith('@') ? 2 : 1).join('/'));
  }
}
