import { sweepAll } from '../../functions/src/engine/sweep-all.ts';
import type { Telemetry } from '../../functions/src/ports/telemetry.ts';
import type { Load } from './worker.ts';
import { runtimeOf } from './worker.ts';
import { sagaSteps } from './workflow-definitions.ts';
import { sagaStore } from './workflow-store.ts';
import type { SagaWorld } from './workflow-world.ts';
import { NAMESPACE } from './world.ts';

/** Processes that know the run's sagas, and sweep workflows as well. */
export function sagas(world: SagaWorld): Load {
  return (instance) => {
    const plain = runtimeOf(world, instance);
    const telemetry = watchingForExcuses(world, plain.telemetry);
    const runtime = { ...plain, telemetry, store: sagaStore(world, instance) };
    const steps = sagaSteps(world, instance);
    return { runtime, steps, sweep: () => sweepAll(runtime, steps, NAMESPACE) };
  };
}

/** A store that answers all it is asked is not away, and a result that is recorded can be read. */
function watchingForExcuses(world: SagaWorld, telemetry: Telemetry): Telemetry {
  return {
    decision(decision) {
      telemetry.decision(decision);
      const away = decision.outcome === 'store_away' && world.scheduler.now() > world.calmFrom;
      if (away) world.watch.broken(`Nothing is away, but: ${decision.error?.message}`);
    },
    event(severity, message, fields) {
      telemetry.event(severity, message, fields);
      const told = JSON.stringify(fields ?? {});
      if (told.includes('is not in its operation')) world.watch.broken(`${message} ${told}`);
    },
  };
}
