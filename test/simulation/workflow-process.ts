import { sweepAll } from '../../functions/src/engine/sweep-all.ts';
import type { Load } from './worker.ts';
import { runtimeOf } from './worker.ts';
import { sagaSteps } from './workflow-definitions.ts';
import { sagaStore } from './workflow-store.ts';
import type { SagaWorld } from './workflow-world.ts';

/** Processes that know the run's sagas, and sweep workflows as well. */
export function sagas(world: SagaWorld): Load {
  return (instance) => {
    const runtime = { ...runtimeOf(world, instance), store: sagaStore(world, instance) };
    const steps = sagaSteps(world, instance);
    return { runtime, steps, sweep: () => sweepAll(runtime, steps) };
  };
}
