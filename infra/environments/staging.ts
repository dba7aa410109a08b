import type { EnvironmentSettings } from '../environment.ts';

/** As production, at less scale; its data is protected like there, so that surprises come here. */
export const environment: EnvironmentSettings = {
  name: 'staging',
  project: 'your-project-staging',
  region: 'europe-west1',
  namespace: 'staging',
  runTask: { maxInstances: 20 },
  apiService: { maxInstances: 5 },
  api: {
    grants: [
      {
        principal: 'planner@your-project-staging.iam.gserviceaccount.com',
        namespace: 'staging',
        roles: ['agent'],
      },
    ],
  },
  alerts: { emails: ['staging-on-call@example.com'] },
  optional: { stateHistory: { location: 'EU' } },
};
