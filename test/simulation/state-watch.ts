import type { StateWriteAnswer } from '../../functions/src/ports/state-store.ts';
import { decodeCanonical } from '../../functions/src/token/canonical.ts';
import type { Token } from '../../functions/src/token/token.ts';
import type { EntityId, StateVersion } from '../../functions/src/workflow/state.ts';
import { labelOf } from './state-notes.ts';
import type { Tally } from './state-notes.ts';
import type { StateWorld } from './state-world.ts';

/** A version as it was committed. */
export interface Committed extends Omit<StateVersion, 'text' | 'schemaVersion'> {
  readonly value: Tally;
}

/** Remembers every commit, and what readers were told. */
export interface StateWatch {
  versions(entity: EntityId): readonly Committed[];
  entities(): IterableIterator<EntityId>;
  wrote(entity: EntityId, sent: { token: Token; text: string }, answer: StateWriteAnswer): void;
  /** The newest version that is not later than the time; 0 where there is none. */
  versionAsOf(entity: EntityId, time: number): number;
  /** What a time that had passed was said to have been. */
  readonly asOf: { readonly entity: EntityId; readonly time: number; readonly version: number }[];
  /** Ids of the events that were appended, in the order of their appends. */
  readonly appended: Set<string>;
}

export function createStateWatch(world: StateWorld): StateWatch {
  const committed = new Map<EntityId, Committed[]>();
  const versions = (entity: EntityId): Committed[] => committed.get(entity) ?? [];
  return {
    versions,
    entities: () => committed.keys(),
    asOf: [],
    appended: new Set(),

    wrote(entity, { token, text }, answer) {
      world.meet(`write ${answer.kind}`);
      if (answer.kind !== 'written') return;
      const { version, at } = answer;
      const before = versions(entity);
      const value = decodeCanonical(text) as Tally;
      world.trace.note('state', `has ${entity} ${version}`, labelOf(value.last));
      if (version !== before.length + 1) {
        world.watch.broken(`${entity} went from version ${before.length} to ${version}.`);
      }
      if (at < (before.at(-1)?.at ?? 0)) {
        world.watch.broken(`Version ${version} of ${entity} is older than the one before it.`);
      }
      committed.set(entity, [...before, { version, token, at, value }]);
    },

    versionAsOf: (entity, time) => versions(entity).findLast(({ at }) => at <= time)?.version ?? 0,
  };
}
