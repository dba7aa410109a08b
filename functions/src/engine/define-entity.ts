import type { z } from 'zod';
import { parseAction } from '../token/token.ts';
import type { Namespace } from '../token/token.ts';
import { entityId } from '../workflow/state.ts';
import type { EntityId } from '../workflow/state.ts';
import { faultsOfSteps } from '../workflow/upcast.ts';
import type { Upcasters } from '../workflow/upcast.ts';
import type { VersionedSchema } from './versioned-schema.ts';

/** A kind of entity: what all entities of one name hold. */
export interface EntityKind<Schema extends z.ZodType> extends VersionedSchema<Schema> {
  readonly name: string;
  /** One of the kind, by its own id: printable text. */
  of(namespace: Namespace, id: string): Entity<Schema>;
}

export interface Entity<Schema extends z.ZodType = z.ZodType> {
  readonly kind: EntityKind<Schema>;
  readonly namespace: Namespace;
  readonly id: EntityId;
}

export interface EntityDefinition<Schema extends z.ZodType> {
  /** Dotted lower-case words: `account`, `stock.item`. */
  readonly name: string;
  /** Checked on every read and write; a conversion must lead both ways (`z.codec`). */
  readonly schema: Schema;
  /** From 1, the default. Raise it with every change that older values don't fit. */
  readonly schemaVersion?: number;
  /** From each older version to the next. Stored values stay as they were written. */
  readonly upcasters?: Upcasters;
}

/** @throws {RangeError} naming all that is wrong with the definition */
export function defineEntity<Schema extends z.ZodType>({
  name,
  schema,
  schemaVersion = 1,
  upcasters = {},
}: EntityDefinition<Schema>): EntityKind<Schema> {
  const faults = faultsOfSteps({ schemaVersion, upcasters });
  if (parseAction(name) === undefined) faults.unshift('its name must be dotted lower-case words');
  if (faults.length > 0) {
    throw new RangeError(`Entity "${name}" is not usable: ${faults.join('; ')}.`);
  }
  const kind: EntityKind<Schema> = {
    name,
    schema,
    schemaVersion,
    upcasters,
    of: (namespace, id) => ({ kind, namespace, id: entityId(name, id) }),
  };
  return kind;
}
