/*
 * What functions-framework serves in tests: the app of main.ts with more steps, a lease that the test
 * chooses (STEP_LEASE_MS), and points at which a task can be halted.
 */
import { http } from '@google-cloud/functions-framework';

import { steps as agents, workflows } from '../../functions/agents/index.ts';
import { jsonLinesTelemetry } from '../../functions/src/adapters/system/telemetry.ts';
import { compose } from '../../functions/src/compose.ts';
import { parseConfig } from '../../functions/src/config.ts';
import { outliveRejections } from '../../functions/src/handlers/outlive-rejections.ts';
import { runTaskPush } from '../../functions/src/handlers/run-task-push.ts';
import { keyToken, registerSteps } from '../../functions/src/index.ts';
import { halts } from './halts.ts';
import { effectSteps } from './steps/effects.ts';

const telemetry = jsonLinesTelemetry();
const halting = halts(telemetry);
const leaseMs = Number(process.env['STEP_LEASE_MS']);
const registered = registerSteps([...agents, ...effectSteps(halting)], workflows);
const leased = [...registered].map(([action, step]) => [action, { ...step, leaseMs }] as const);
const steps = Object.assign(new Map(leased), { workflows: registered.workflows });

const config = parseConfig(process.env, [...steps.values()]);
const { store, publisher } = halting;
const { runtime } = await compose(config, { telemetry, store, publisher });
outliveRejections(process, telemetry);
// A first call takes longer than a short lease lasts: set up the connection before tasks come.
await runtime.store.get(config.namespace, keyToken(config.namespace, 'first call')).catch(() => {});
http(
  'run-task',
  runTaskPush({ runtime, steps, namespace: config.namespace, verifyCaller: 'unverified' }),
);
