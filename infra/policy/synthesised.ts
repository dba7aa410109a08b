import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Attributes = Readonly<Record<string, unknown>>;

/** One resource as Terraform is given it. */
export interface Resource {
  readonly type: string;
  readonly stack: string;
  readonly key: string;
  readonly attributes: Attributes;
}

interface StackJson {
  readonly resource?: Readonly<Record<string, Readonly<Record<string, Attributes>>>>;
}

/** What was written to `<outdir>/stacks`, all stacks together. */
export function readSynthesised(outdir: string): readonly Resource[] {
  const stacks = join(outdir, 'stacks');
  return readdirSync(stacks).flatMap((stack) => {
    const { resource = {} } = JSON.parse(
      readFileSync(join(stacks, stack, 'cdk.tf.json'), 'utf8'),
    ) as StackJson;
    return Object.entries(resource).flatMap(([type, found]) =>
      Object.entries(found).map(([key, attributes]) => ({ type, stack, key, attributes })),
    );
  });
}

export const ofType = (resources: readonly Resource[], type: string): readonly Resource[] =>
  resources.filter((resource) => resource.type === type);

/** The resource that an expression like `${google_pubsub_topic.topic-tasks.id}` names, or a plain name. */
export function referred(
  resources: readonly Resource[],
  type: string,
  expression: unknown,
): Resource | undefined {
  const text = String(expression);
  const [, key] = /^\$\{[a-z_0-9]+\.([\w-]+)\.\w+\}$/.exec(text) ?? [];
  return ofType(resources, type).find(
    (resource) => resource.key === key || resource.attributes['name'] === text,
  );
}

/** An attribute deep inside, blocks of one element read as that element. */
export function at(attributes: unknown, ...path: readonly string[]): unknown {
  let found = attributes;
  for (const step of path) {
    const inside: unknown = Array.isArray(found) ? found[0] : found;
    if (typeof inside !== 'object' || inside === null) return undefined;
    found = (inside as Record<string, unknown>)[step];
  }
  return found;
}

export const seconds = (duration: unknown): number => Number(String(duration).replace(/s$/, ''));

export const named = ({ stack, type, key }: Resource): string => `${stack}: ${type}.${key}`;
