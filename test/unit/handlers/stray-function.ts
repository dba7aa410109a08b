/*
 * A function whose step has a promise rejected that nobody handles, outside of the request, as a
 * client's background work may. Served by functions-framework in a process of its own, as deployed.
 */
import { http } from '@google-cloud/functions-framework';
import { z } from 'zod';
import { compose } from '../../../functions/src/compose.ts';
import { parseConfig } from '../../../functions/src/config.ts';
import { outliveRejections } from '../../../functions/src/handlers/outlive-rejections.ts';
import { runTaskPush } from '../../../functions/src/handlers/run-task-push.ts';
import { defineStep, registerSteps } from '../../../functions/src/index.ts';

let wanted = false;
setInterval(() => {
  if (wanted) void Promise.reject(new Error('left behind'));
  wanted = false;
}, 10).unref();

const leaveBehind = defineStep({
  action: 'a.b',
  effect: 'pure',
  params: z.unknown(),
  run() {
    wanted = true;
    return 'done';
  },
});

const config = parseConfig(process.env, [leaveBehind]);
const { runtime } = await compose(config);
outliveRejections(process, runtime.telemetry);
const steps = registerSteps([leaveBehind]);
const { namespace } = config;
http('run-task', runTaskPush({ runtime, steps, namespace, verifyCaller: 'unverified' }));
