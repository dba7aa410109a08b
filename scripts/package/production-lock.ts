/** A package-lock.json of lockfileVersion 3, as far as it is read here. */
export interface Lock {
  readonly name?: string;
  readonly version?: string;
  readonly requires?: boolean;
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
}

export interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface Deployed {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Says where a package was installed, which is nobody's business elsewhere. */
const DROPPED = new Set(['dev', 'devOptional', 'peer', 'extraneous', 'resolved']);

/**
 * The lock of the deployed package, cut out of the repository's: the same versions and checksums that
 * were tested, and nothing that is not needed to run.
 *
 * @throws if the lock lacks a dependency, or two packages would end up in one place
 */
export function productionLock(root: Lock, workspace: string, deployed: Deployed): Lock {
  const taken = new Map<string, LockedPackage>();
  const waiting = Object.keys(deployed.dependencies).map((name) => locate(workspace, name));
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const found = root.packages[path];
    const place = placeOf(path);
    const before = taken.get(place);
    if (!found || before === found) continue;
    if (before) throw new Error(`Two versions of ${place} are needed in one place.`);
    taken.set(place, found);
    for (const name of requiredBy(found)) waiting.push(locate(path, name));
    for (const name of Object.keys(found.optionalDependencies ?? {})) {
      const optional = find(path, name);
      if (optional !== undefined) waiting.push(optional);
    }
  }
  const { name, version, license, dependencies } = deployed;
  const own = { name, version, license, dependencies, engines: { node: '24' } };
  const others = [...taken].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    name,
    version,
    lockfileVersion: root.lockfileVersion,
    requires: true,
    packages: {
      '': own,
      ...Object.fromEntries(others.map(([place, each]) => [place, kept(each)])),
    },
  };

  function placeOf(path: string): string {
    return path.startsWith(`${workspace}/`) ? path.slice(workspace.length + 1) : path;
  }

  function locate(from: string, name: string): string {
    const path = find(from, name);
    if (path !== undefined) return path;
    throw new Error(`package-lock.json lacks ${name}, which ${from} needs. Run npm install.`);
  }

  /** As Node looks for it: beside the importer, then in each folder above. */
  function find(from: string, name: string): string | undefined {
    for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
      const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`;
      if (path in root.packages) return path;
      if (folder === '') return undefined;
    }
  }
}

function requiredBy({
  dependencies,
  peerDependencies,
  peerDependenciesMeta,
  optionalDependencies,
}: LockedPackage): string[] {
  const optional = new Set(Object.keys(optionalDependencies ?? {}));
  const peers = Object.keys(peerDependencies ?? {}).filter(
    (name) => peerDependenciesMeta?.[name]?.optional !== true,
  );
  return [...Object.keys(dependencies ?? {}), ...peers].filter((name) => !optional.has(name));
}

const kept = (locked: LockedPackage): LockedPackage =>
  Object.fromEntries(Object.entries(locked).filter(([name]) => !DROPPED.has(name)));
