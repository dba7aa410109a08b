import { StoreAway } from '../../functions/src/operation/errors.ts';
import type {
  StateStore,
  StateWrite,
  StateWriteAnswer,
} from '../../functions/src/ports/state-store.ts';
import { childToken } from '../../functions/src/token/token.ts';
import type { Namespace, Token } from '../../functions/src/token/token.ts';
import type { EntityId } from '../../functions/src/workflow/state.ts';
import type { StateMutant } from './state-world.ts';

/** One broken rule of versioned state each. Every one of them must be noticed. */
export const STATE_MUTANTS: readonly StateMutant[] = [
  {
    name: 'write-unconditional',
    breaks: 'a value is written over whatever stands there',
    state: writing((store, write, namespace, entity) =>
      overStanding(store, namespace, entity, write),
    ),
  },
  {
    name: 'conflict-not-read-again',
    breaks: 'after a conflict the value that was computed before is written',
    state: writing(async (store, write, namespace, entity) => {
      const answer = await store.write(namespace, entity, write);
      if (answer.kind !== 'conflict') return answer;
      return store.write(namespace, entity, { ...write, ifVersion: answer.version });
    }),
  },
  {
    name: 'token-not-remembered',
    breaks: 'each attempt goes out under a token of its own',
    state: (store, { world: { dice } }) => ({
      ...store,
      write: (namespace, entity, write) =>
        store.write(namespace, entity, { ...write, token: unlike(write.token, dice.random()) }),
    }),
  },
  {
    name: 'unknown-is-written',
    breaks: 'a write without an answer counts as made',
    state: writing(async (store, write, namespace, entity) => {
      const answer = await store.write(namespace, entity, write).catch(unlessAway);
      return answer ?? { kind: 'written', version: write.ifVersion + 1, at: 0 };
    }),
  },
  {
    name: 'repetition-answers-newest',
    breaks: 'a repeated update is answered with what stands now',
    state: writing(async (store, write, namespace, entity) => {
      const answer = await store.write(namespace, entity, write);
      const head = answer.kind === 'repeated' ? await store.read(namespace, entity) : undefined;
      return head ? { kind: 'repeated', found: head } : answer;
    }),
  },
  {
    name: 'refusal-not-looked-up',
    breaks: 'a function that refuses is believed, though its update was applied before',
    state: (store) => ({ ...store, readApplied: async () => undefined }),
  },
  {
    name: 'past-is-now',
    breaks: 'the newest version is taken for that of any time',
    state: (store) => ({
      ...store,
      readAsOf: (...[namespace, entity]) => store.read(namespace, entity),
    }),
  },
  {
    name: 'past-is-not-settled',
    breaks: 'a version may take a time that had passed when somebody asked about it',
    state: (store) => ({
      ...store,
      async readAsOf(namespace, entity, time) {
        const { versions } = await store.history(namespace, entity, { limit: 1_000 });
        return versions.findLast(({ at }) => at <= time);
      },
    }),
  },
];

function writing(
  write: (
    store: StateStore,
    write: StateWrite,
    namespace: Namespace,
    entity: EntityId,
  ) => Promise<StateWriteAnswer>,
): (store: StateStore) => StateStore {
  return (store) => ({
    ...store,
    write: (namespace, entity, asked) => write(store, asked, namespace, entity),
  });
}

async function overStanding(
  store: StateStore,
  namespace: Namespace,
  entity: EntityId,
  write: StateWrite,
): Promise<StateWriteAnswer> {
  const head = await store.read(namespace, entity);
  return store.write(namespace, entity, { ...write, ifVersion: head?.version ?? 0 });
}

export function unlike(token: Token, chance: number): Token {
  return childToken(token, `again ${chance}`, 0);
}

export function unlessAway(error: unknown): undefined {
  if (!(error instanceof StoreAway)) throw error;
}
