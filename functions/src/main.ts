import { http } from '@google-cloud/functions-framework';
import { steps, workflows } from '../agents/index.ts';
import { compose } from './compose.ts';
import { ConfigError, parseConfig } from './config.ts';
import type { Config } from './config.ts';
import { registerSteps } from './engine/register-steps.ts';
import type { AnyStep } from './engine/step.ts';
import { outliveRejections } from './handlers/outlive-rejections.ts';
import { runSweep } from './handlers/run-sweep.ts';
import { runTaskPush } from './handlers/run-task-push.ts';
import type { VerifyCaller } from './ports/verify-caller.ts';
import { httpRequestStep } from './steps/http-request.ts';

try {
  const config = parseConfig(process.env, [...registerSteps(steps, workflows).values()]);
  const { runtime } = await compose(config);
  outliveRejections(process, runtime.telemetry);
  const receiver = {
    runtime,
    steps: registerSteps([...steps, ...builtInSteps(config)], workflows),
    namespace: config.namespace,
    verifyCaller: await callerOf(config),
  };
  http('run-task', runTaskPush(receiver));
  http('sweep', runSweep(receiver));
  if (config.archive) {
    const { composeArchive } = await import('./compose-archive.ts');
    const { tick, shard } = await composeArchive(config.backend, config.archive, receiver);
    http('archive-tick', tick);
    http('archive-shard', shard);
  }
  if (config.api) {
    // Loaded where it is served: run-task starts without it.
    const { composeApi } = await import('./compose-api.ts');
    http('api', await composeApi(config, config.api, runtime));
  }
} catch (error) {
  const expected = error instanceof ConfigError || error instanceof RangeError;
  process.stderr.write(`${expected ? error.message : (error as Error).stack}\n`);
  process.exit(1);
}

function builtInSteps({ httpRequest }: Config): readonly AnyStep[] {
  return httpRequest ? [httpRequestStep({ action: 'http.request', ...httpRequest })] : [];
}

async function callerOf({ push }: Config): Promise<VerifyCaller | 'unverified'> {
  if (push.verify === 'off') return 'unverified';
  const { verifyPushCaller } = await import('./adapters/auth/push-caller.ts');
  return verifyPushCaller(push);
}
