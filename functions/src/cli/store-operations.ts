import type { Token } from '../token/token.ts';
import type { Context } from './context.ts';
import { Failure } from './failure.ts';
import type { Operations } from './operations.ts';
import { everyOperation } from './commands/listing.ts';
import { interveneInStore } from './store-intervene.ts';
import { viewOperation } from './store-view.ts';

/** The operations of one namespace of a store. */
export function storeOperations(context: Context): Operations {
  const { runtime, namespace, invocation } = context;
  const { store } = runtime;

  return {
    place: `namespace "${namespace}" of the ${store.name} store`,
    elsewhere: 'It was never claimed, is forgotten, or belongs to another --namespace or --store.',
    async look(token) {
      const found = await store.get(namespace, token as Token);
      return found && viewOperation(found, runtime, store.now(), invocation);
    },
    async ledger(root) {
      const listed = await everyOperation((page) => store.ledger(namespace, root as Token, page));
      const now = store.now();
      const under = listed.filter(({ record }) => record.root === root);
      return Promise.all(under.map((each) => viewOperation(each, runtime, now, invocation)));
    },
    async inDoubt() {
      const found = await everyOperation((page) => store.byStatus(namespace, 'in_doubt', page));
      const now = store.now();
      return Promise.all(found.map((each) => viewOperation(each, runtime, now, invocation)));
    },
    async intervene(token, wanted, { actor, reason }) {
      if (actor === undefined) {
        throw new Failure('usage', '--actor WHO is needed: nobody here knows who you are.');
      }
      const found = await interveneInStore(context, token as Token, wanted, { actor, reason });
      return viewOperation(found, runtime, store.now(), invocation);
    },
  };
}
