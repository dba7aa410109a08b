import type { z } from 'zod';
import type { StoredEvent } from '../workflow/event.ts';
import { faultsOfSteps } from '../workflow/upcast.ts';
import type { VersionedSchema } from './versioned-schema.ts';

/** By type: a schema, which is version 1, or one with its version and upcasters. */
export type EventDefinitions = Readonly<Record<string, z.ZodType | VersionedSchema>>;

type SchemaOf<Definition> =
  Definition extends VersionedSchema<infer Schema>
    ? Schema
    : Definition extends z.ZodType
      ? Definition
      : never;

/** The events that a log may hold. */
export interface EventTypes<Definitions extends EventDefinitions = EventDefinitions> {
  readonly types: ReadonlyMap<string, VersionedSchema>;
  /** Only a type: what they were defined as. */
  readonly definitions?: Definitions;
}

type Each<Definitions, Shape extends 'read' | 'append'> = {
  [Type in keyof Definitions & string]: Shape extends 'read'
    ? TypedEvent<Type, z.output<SchemaOf<Definitions[Type]>>>
    : NewTypedEvent<Type, z.output<SchemaOf<Definitions[Type]>>>;
}[keyof Definitions & string];

/** One of the events, to be told apart by its `type`. */
export type EventOf<Types extends EventTypes> = Each<NonNullable<Types['definitions']>, 'read'>;

/** One of the events, to be appended. */
export type NewEventOf<Types extends EventTypes> = Each<
  NonNullable<Types['definitions']>,
  'append'
>;

export type NewTypedEvent<Type extends string, Data> = {
  readonly type: Type;
  readonly data: Data;
} & Pick<StoredEvent, 'token' | 'logicalTime'>;

export type TypedEvent<Type extends string, Data> = NewTypedEvent<Type, Data> &
  Pick<StoredEvent, 'at'>;

const TYPE_PATTERN = /^[A-Za-z][A-Za-z0-9._-]{0,127}$/;

/**
 * The events of a log, typed from their schemas: `defineEvents({ OrderPlaced: z.object({ … }) })`.
 *
 * @throws {RangeError} naming all that is wrong with the definitions
 */
export function defineEvents<Definitions extends EventDefinitions>(
  definitions: Definitions,
): EventTypes<Definitions> {
  const types = new Map<string, VersionedSchema>();
  const faults: string[] = [];
  for (const [type, definition] of Object.entries(definitions)) {
    const versioned: VersionedSchema =
      'schemaVersion' in definition
        ? definition
        : { schema: definition, schemaVersion: 1, upcasters: {} };
    types.set(type, versioned);
    if (!TYPE_PATTERN.test(type)) faults.push(`"${type}" is no name for an event`);
    faults.push(...faultsOfSteps(versioned).map((fault) => `${type}: ${fault}`));
  }
  if (types.size === 0) faults.push('there are none');
  if (faults.length > 0) throw new RangeError(`The events are not usable: ${faults.join('; ')}.`);
  return { types };
}
