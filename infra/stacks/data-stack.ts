import { FirestoreBackupSchedule } from '@cdktf/provider-google/lib/firestore-backup-schedule/index.js';
import { FirestoreDatabase } from '@cdktf/provider-google/lib/firestore-database/index.js';
import { FirestoreField } from '@cdktf/provider-google/lib/firestore-field/index.js';
import { FirestoreIndex } from '@cdktf/provider-google/lib/firestore-index/index.js';
import type { KmsCryptoKeyIamMember } from '@cdktf/provider-google/lib/kms-crypto-key-iam-member/index.js';
import { ProjectIamCustomRole } from '@cdktf/provider-google/lib/project-iam-custom-role/index.js';
import { StorageBucketIamMember } from '@cdktf/provider-google/lib/storage-bucket-iam-member/index.js';
import type { StorageBucket } from '@cdktf/provider-google/lib/storage-bucket/index.js';
import type { Construct } from 'constructs';
import { COLLECTIONS, OPERATION_TTL_FIELD, WORKFLOW_TTL_FIELD } from '../../functions/src/names.ts';
import { ProjectStack } from '../constructs/google-project.ts';
import { keyGrants } from '../constructs/key-grant.ts';
import { privateBucket } from '../constructs/private-bucket.ts';
import { storeAccess } from '../constructs/store-access.ts';
import type { Environment } from '../environment.ts';
import { indexedCollections } from '../firestore-indexes.ts';
import { FUNCTION_SPECS } from '../function-specs.ts';
import type { BucketRole } from '../function-specs.ts';
import { ACCOUNTS, accountEmail, ERASER_ROLE, FUNCTION_NAMES } from '../resource-names.ts';
import type { Bucket } from '../resource-names.ts';

const DAY_SECONDS = 86_400;

/** What must not be lost: the database of all tokens, their archive, and payloads too large for a record. */
export class DataStack extends ProjectStack {
  readonly #keyGrants: KmsCryptoKeyIamMember[];
  readonly #eraser: ProjectIamCustomRole;

  constructor(scope: Construct, environment: Environment) {
    super(scope, 'data', environment);
    this.#keyGrants = keyGrants(this, ['gcp-sa-firestore', 'gs-project-accounts', 'gcp-sa-pubsub']);
    this.#database();
    this.#eraser = new ProjectIamCustomRole(this, 'eraser-role', {
      roleId: ERASER_ROLE,
      title: 'agent-once: erases payloads',
      description: 'Deletes objects of the bucket that it is given on, and nothing else.',
      permissions: ['storage.objects.delete'],
    });
    this.#buckets();
  }

  #database(): void {
    const { region, protectData, retention, optional } = this.environment;
    const { encryptionKey } = optional;
    const protection = protectData ? 'DELETE_PROTECTION_ENABLED' : 'DELETE_PROTECTION_DISABLED';
    const database = new FirestoreDatabase(this, 'database', {
      name: this.environment.database,
      type: 'FIRESTORE_NATIVE',
      locationId: region,
      pointInTimeRecoveryEnablement: 'POINT_IN_TIME_RECOVERY_ENABLED',
      deleteProtectionState: protection,
      deletionPolicy: protectData ? 'ABANDON' : 'DELETE',
      ...(encryptionKey !== undefined && { cmekConfig: { kmsKeyName: encryptionKey } }),
      dependsOn: this.#keyGrants,
      lifecycle: { preventDestroy: protectData },
    });
    new FirestoreBackupSchedule(this, 'backups', {
      database: database.name,
      retention: `${retention.backupDays * DAY_SECONDS}s`,
      dailyRecurrence: {},
    });
    this.#indexes(database.name);
    storeAccess(
      this,
      FUNCTION_NAMES.filter((name) => FUNCTION_SPECS[name].usesStore),
    );
  }

  #indexes(database: string): void {
    for (const { collection, indexes } of indexedCollections()) {
      for (const [name, fields] of Object.entries(indexes)) {
        new FirestoreIndex(this, `index-${collection}-by-${name}`, {
          database,
          collection,
          fields: fields.map(({ path, order }) => ({ fieldPath: path, order })),
        });
      }
      // A sequential field with an index of its own caps a collection at 500 writes a second.
      new FirestoreField(this, `single-fields-${collection}`, {
        database,
        collection,
        field: '*',
        indexConfig: {},
      });
    }
    for (const [name, collection, field] of [
      ['stubs', COLLECTIONS.operations, OPERATION_TTL_FIELD],
      ['workflows', COLLECTIONS.workflows, WORKFLOW_TTL_FIELD],
    ] as const) {
      const at = { database, collection, field };
      new FirestoreField(this, `forgets-${name}`, { ...at, ttlConfig: {}, indexConfig: {} });
    }
  }

  #buckets(): void {
    const { nearlineAfterDays, coldlineAfterDays, archiveAfterDays, deleteAfterDays, lock } =
      this.environment.retention;
    const ageing = [
      { storageClass: 'NEARLINE', age: nearlineAfterDays },
      { storageClass: 'COLDLINE', age: coldlineAfterDays },
      { storageClass: 'ARCHIVE', age: archiveAfterDays },
    ].map(({ storageClass, age }) => ({
      action: { type: 'SetStorageClass', storageClass },
      condition: { age },
    }));
    const archive = privateBucket(this, 'archive', {
      dependsOn: this.#keyGrants,
      lifecycleRule: [
        ...ageing,
        ...(deleteAfterDays === undefined
          ? []
          : [{ action: { type: 'Delete' }, condition: { age: deleteAfterDays } }]),
      ],
      ...(lock && {
        retentionPolicy: { retentionPeriod: lock.days * DAY_SECONDS, isLocked: lock.locked },
      }),
    });
    this.#access('archive', archive);
    this.#access('blobs', privateBucket(this, 'blobs', { dependsOn: this.#keyGrants }));
  }

  #access(name: Bucket, bucket: StorageBucket): void {
    const grant = (who: string, role: BucketRole, member: string) =>
      new StorageBucketIamMember(this, `${name}-${who}-${role}`, {
        bucket: bucket.name,
        role: role === 'erases' ? this.#eraser.name : `roles/storage.${role}`,
        member,
      });
    for (const caller of FUNCTION_NAMES) {
      const email = accountEmail(this.environment, ACCOUNTS.runsAs(caller));
      for (const role of FUNCTION_SPECS[caller].buckets[name] ?? []) {
        grant(caller, role, `serviceAccount:${email}`);
      }
    }
    // Purging an archived operation writes its object anew without it, and deletes the old one.
    for (const [number, member] of this.environment.operators.entries()) {
      grant(`operator-${number}`, 'objectUser', member);
    }
  }
}
