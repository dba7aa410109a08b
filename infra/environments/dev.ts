import type { EnvironmentSettings } from '../environment.ts';

/** Small and easily taken down again: nothing in it is protected. */
export const environment: EnvironmentSettings = {
  name: 'dev',
  project: 'your-project-dev',
  region: 'europe-west1',
  namespace: 'dev',
  protectData: false,
  shards: 4,
  runTask: { maxInstances: 5 },
  apiService: { maxInstances: 2 },
  retention: { backupDays: 7 },
};
