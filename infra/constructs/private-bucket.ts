import { StorageBucket } from '@cdktf/provider-google/lib/storage-bucket/index.js';
import type { StorageBucketConfig } from '@cdktf/provider-google/lib/storage-bucket/index.js';
import { bucketName } from '../resource-names.ts';
import type { Bucket } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';

const DAY_SECONDS = 86_400;

type Differing = Pick<StorageBucketConfig, 'lifecycleRule' | 'retentionPolicy' | 'dependsOn'>;

/** A bucket that can't be made public, and where access is given to the whole of it or not at all. */
export function privateBucket(
  stack: ProjectStack,
  bucket: Bucket,
  differing: Differing = {},
): StorageBucket {
  const { region, protectData, retention, optional } = stack.environment;
  const precious = protectData && bucket !== 'source';
  return new StorageBucket(stack, `bucket-${bucket}`, {
    name: bucketName(stack.environment, bucket),
    location: region,
    uniformBucketLevelAccess: true,
    publicAccessPrevention: 'enforced',
    softDeletePolicy: { retentionDurationSeconds: retention.softDeleteDays * DAY_SECONDS },
    forceDestroy: !precious,
    ...(optional.encryptionKey !== undefined &&
      bucket !== 'source' && { encryption: { defaultKmsKeyName: optional.encryptionKey } }),
    ...differing,
    lifecycle: { preventDestroy: precious },
  });
}
