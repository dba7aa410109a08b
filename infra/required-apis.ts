import type { Environment } from './environment.ts';

const ALWAYS = [
  'artifactregistry.googleapis.com',
  'cloudbuild.googleapis.com',
  'cloudfunctions.googleapis.com',
  'cloudresourcemanager.googleapis.com',
  'cloudscheduler.googleapis.com',
  'firestore.googleapis.com',
  'iam.googleapis.com',
  'logging.googleapis.com',
  'monitoring.googleapis.com',
  'pubsub.googleapis.com',
  'run.googleapis.com',
  'secretmanager.googleapis.com',
  'serviceusage.googleapis.com',
  'storage.googleapis.com',
] as const;

export function requiredApis({ optional }: Pick<Environment, 'optional'>): readonly string[] {
  return [
    ...ALWAYS,
    ...(optional.redis
      ? [
          'compute.googleapis.com',
          'redis.googleapis.com',
          'servicenetworking.googleapis.com',
          'vpcaccess.googleapis.com',
        ]
      : []),
    ...(optional.bigtable ? ['bigtable.googleapis.com', 'bigtableadmin.googleapis.com'] : []),
    ...(optional.stateHistory ? ['bigquery.googleapis.com'] : []),
    ...(optional.encryptionKey === undefined ? [] : ['cloudkms.googleapis.com']),
  ];
}
