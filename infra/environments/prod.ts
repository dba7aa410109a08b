import type { EnvironmentSettings } from '../environment.ts';

export const environment: EnvironmentSettings = {
  name: 'prod',
  project: 'your-project-prod',
  region: 'europe-west1',
  namespace: 'shop',
  shards: 64,
  // One instance of each stays warm, so that no first call of the day waits for a start.
  runTask: { memory: '1Gi', concurrency: 40, minInstances: 1, maxInstances: 200 },
  apiService: { minInstances: 1, maxInstances: 50 },
  retention: {
    backupDays: 98,
    // `locked: true` can never be taken back; purging an archived operation is refused meanwhile.
    lock: { days: 365, locked: false },
    softDeleteDays: 30,
  },
  api: {
    ratePerSecond: 1_000,
    grants: [
      {
        principal: 'planner@your-project-prod.iam.gserviceaccount.com',
        namespace: 'shop',
        roles: ['agent'],
      },
      {
        principal: 'on-call@your-project-prod.iam.gserviceaccount.com',
        namespace: 'shop',
        roles: ['operator', 'reader'],
      },
    ],
  },
  operators: ['group:on-call@example.com'],
  alerts: { emails: ['on-call@example.com'] },
  optional: {
    redis: { memoryGb: 5, replicated: true },
    bigtable: { nodes: 3 },
    stateHistory: { location: 'EU' },
    encryptionKey:
      'projects/your-project-prod/locations/europe-west1/keyRings/agent-once/cryptoKeys/data',
  },
};
