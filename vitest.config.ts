import { defineConfig } from 'vitest/config';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

function project(name: string, timeout: number) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.ts`],
      testTimeout: timeout,
      hookTimeout: timeout,
    },
  };
}

const emulator = project('emulator', MINUTE);

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', 10 * SECOND),
      project('contract', 10 * SECOND),
      project('simulation', MINUTE),
      { test: { ...emulator.test, globalSetup: 'test/support/emulators-setup.ts' } },
      project('infra', 30 * SECOND),
      project('soak', 20 * MINUTE),
    ],
  },
});
