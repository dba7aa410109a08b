/** For the tests of your own steps. Everything is in memory; nothing here loads a store's SDK. */
export { crashEverywhere } from './crash-everywhere.ts';
export type { CrashReport } from './crash-everywhere.ts';
export type { CrashOptions, CrashRun } from './crash-run.ts';
export type { CrashPoint } from './crash-points.ts';

export { verifyEndpoint } from '../verify/index.ts';
export type { CheckReport, VerifyOptions, VerifyReport } from '../verify/index.ts';

export {
  aDelivery,
  aRuntime,
  aTask,
  memoryBlobs,
  memoryPublisher,
  memoryStore,
} from './builders.ts';
export type { MemoryPublisher } from './builders.ts';
export { settableClock } from './settable-clock.ts';
export type { SettableClock } from './settable-clock.ts';

export { registerSteps } from '../engine/register-steps.ts';
export { runTask } from '../engine/run-task.ts';
export type { Runtime } from '../engine/runtime.ts';
export type { TaskOutcome } from '../engine/outcome.ts';
