import type { Policy } from './access.ts';
import { at, named, ofType } from './synthesised.ts';

export interface NeededIndex {
  readonly collection: string;
  readonly fields: readonly { readonly path: string; readonly order: string }[];
}

const written = ({ collection, fields }: NeededIndex): string =>
  `${collection} (${fields.map(({ path, order }) => `${path} ${order}`).join(', ')})`;

/** Every query's index is declared, and every collection's single fields are exempt. */
export const queriesAreIndexed =
  (needed: readonly NeededIndex[]): Policy =>
  (resources) => {
    const declared = new Set(
      ofType(resources, 'google_firestore_index').map(({ attributes }) =>
        written({
          collection: String(attributes['collection']),
          fields: (attributes['fields'] as { field_path: string; order: string }[]).map(
            ({ field_path: path, order }) => ({ path, order }),
          ),
        }),
      ),
    );
    const exempt = new Set(
      ofType(resources, 'google_firestore_field')
        .filter(
          ({ attributes }) => attributes['field'] === '*' && isEmpty(attributes['index_config']),
        )
        .map(({ attributes }) => attributes['collection']),
    );
    return [
      ...needed
        .map(written)
        .filter((index) => !declared.has(index))
        .map((index) => `No index for a query: ${index}.`),
      ...[...new Set(needed.map(({ collection }) => collection))]
        .filter((collection) => !exempt.has(collection))
        .map((collection) => `The single fields of ${collection} are indexed.`),
    ];
  };

const isEmpty = (block: unknown): boolean => JSON.stringify(block) === '{}';

/** Functions are given every variable that they read, and none that they don't. */
export const variablesAgree =
  (read: ReadonlySet<string>, own: ReadonlySet<string> = new Set()): Policy =>
  (resources) => {
    const given = new Set<string>();
    const unread = ofType(resources, 'google_cloudfunctions2_function').flatMap((resource) => {
      const variables = at(resource.attributes, 'service_config', 'environment_variables');
      const secrets = at(resource.attributes, 'service_config', 'secret_environment_variables');
      const names = [
        ...Object.keys(variables ?? {}),
        ...((secrets ?? []) as { key: string }[]).map(({ key }) => key),
      ];
      for (const name of names) given.add(name);
      return names
        .filter((name) => !read.has(name) && !own.has(name))
        .map((name) => `${named(resource)} is given ${name}, which nothing reads.`);
    });
    const missing = [...read].filter((name) => !given.has(name));
    return [...unread, ...missing.map((name) => `${name} is read, and no function is given it.`)];
  };

const REFERENCE = /\$\{(?!data\.)([a-z][a-z0-9_]*)\.([\w-]+)\./g;

/** What a stack refers to is in that stack: Terraform sees no other. */
export const referencesResolve: Policy = (resources) => {
  const known = new Set(resources.map(({ stack, type, key }) => `${stack} ${type}.${key}`));
  return resources.flatMap((resource) => {
    const { stack, attributes } = resource;
    const waitsFor = (attributes['depends_on'] ?? []) as string[];
    const used = [...JSON.stringify(attributes).matchAll(REFERENCE)].map(
      ([, type, key]) => `${type}.${key}`,
    );
    return [...used, ...waitsFor]
      .filter((reference) => !known.has(`${stack} ${reference}`))
      .map((reference) => `${named(resource)} refers to ${reference}, which its stack lacks.`);
  });
};
