import { FirestoreDatabase } from '@cdktf/provider-google/lib/firestore-database/index.js';
import { FirestoreField } from '@cdktf/provider-google/lib/firestore-field/index.js';
import { FirestoreIndex } from '@cdktf/provider-google/lib/firestore-index/index.js';
import { TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import { COLLECTIONS, OPERATION_INDEXES } from '../../functions/src/names.ts';
import { GoogleProject } from '../constructs/google-project.ts';

/** The database that the tokens live in, with the indexes that its queries need. */
export class DataStack extends TerraformStack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    const { location } = new GoogleProject(this);
    const database = new FirestoreDatabase(this, 'database', {
      name: '(default)',
      type: 'FIRESTORE_NATIVE',
      locationId: location,
      pointInTimeRecoveryEnablement: 'POINT_IN_TIME_RECOVERY_ENABLED',
      deleteProtectionState: 'DELETE_PROTECTION_ENABLED',
      lifecycle: { preventDestroy: true },
    });
    for (const [name, fields] of Object.entries(OPERATION_INDEXES)) {
      new FirestoreIndex(this, `operations-by-${name}`, {
        database: database.name,
        collection: COLLECTIONS.operations,
        fields: fields.map(({ path, order }) => ({ fieldPath: path, order })),
      });
    }
    // A sequential field with an index of its own caps a collection at 500 writes a second.
    new FirestoreField(this, 'operations-single-fields', {
      database: database.name,
      collection: COLLECTIONS.operations,
      field: '*',
      indexConfig: {},
    });
  }
}
