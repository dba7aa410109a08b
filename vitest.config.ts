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

/** A project whose tests run against the emulators; the projects of one run share them. */
function onEmulators(name: string, timeout: number) {
  return {
    test: { ...project(name, timeout).test, globalSetup: 'test/support/emulators-setup.ts' },
  };
}

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      project('unit', 20 * SECOND),
      project('simulation', 2 * MINUTE),
      onEmulators('infra', 2 * MINUTE),
      onEmulators('contract', MINUTE),
      onEmulators('emulator', 2 * MINUTE),
      onEmulators('soak', 30 * MINUTE),
    ],
  },
});
