/*
 * What functions-framework serves in the saga storm: the app of main.ts with one saga, a lease that the
 * test chooses (STEP_LEASE_MS), and a publisher that publishes everything twice (SAGA_WORKERS topics).
 */
import { flushCompileCache } from 'node:module';

import { http } from '@google-cloud/functions-framework';
import { PubSub } from '@google-cloud/pubsub';

import { jsonLinesTelemetry } from '../../functions/src/adapters/system/telemetry.ts';
import { compose } from '../../functions/src/compose.ts';
import { parseConfig } from '../../functions/src/config.ts';
import { outliveRejections } from '../../functions/src/handlers/outlive-rejections.ts';
import { runTaskPush } from '../../functions/src/handlers/run-task-push.ts';
import { keyToken, registerSteps } from '../../functions/src/index.ts';
import { publishesTwice } from './saga-topics.ts';
import { orderSaga } from './steps/saga.ts';

const leaseMs = Number(process.env['STEP_LEASE_MS']);
const registered = registerSteps([], [orderSaga]);
const leased = [...registered].map(([action, step]) => [action, { ...step, leaseMs }] as const);
const steps = Object.assign(new Map(leased), { workflows: registered.workflows });

const config = parseConfig(process.env, [...steps.values()]);
const telemetry = jsonLinesTelemetry();
const pubsub = new PubSub({ projectId: config.backend.project ?? '' });
const publisher = publishesTwice(pubsub, Number(process.env['SAGA_WORKERS']));
const { runtime } = await compose(config, { telemetry, publisher: () => publisher });
outliveRejections(process, telemetry);
// A first call takes longer than a short lease lasts: set up the connection before tasks come.
await runtime.store.get(config.namespace, keyToken(config.namespace, 'first call')).catch(() => {});
http(
  'run-task',
  runTaskPush({ runtime, steps, namespace: config.namespace, verifyCaller: 'unverified' }),
);
// Node would write it on exit, and these processes are killed: their successors start faster by it.
flushCompileCache();
