import { StorageBucketObject } from '@cdktf/provider-google/lib/storage-bucket-object/index.js';
import { TerraformOutput } from 'cdktf';
import type { Construct } from 'constructs';
import { gen2Function } from '../constructs/gen2-function.ts';
import { ProjectStack } from '../constructs/google-project.ts';
import type { Environment } from '../environment.ts';
import { bucketName, FUNCTION_NAMES, functionUrl } from '../resource-names.ts';

/** The packaged functions. */
export interface FunctionSource {
  /** Made from the content: another name is another deployment, the same name is none. */
  readonly objectName: string;
  /** Where Terraform finds it, from the folder of a stack. */
  readonly path: string;
}

/** The functions, who may call them, and the scheduler's jobs. */
export class ComputeStack extends ProjectStack {
  constructor(scope: Construct, environment: Environment, { objectName, path }: FunctionSource) {
    super(scope, 'compute', environment);
    const source = new StorageBucketObject(this, 'source', {
      bucket: bucketName(environment, 'source'),
      name: objectName,
      source: path,
      contentType: 'application/zip',
    });
    for (const name of FUNCTION_NAMES) {
      gen2Function(this, name, source);
      new TerraformOutput(this, `url-${name}`, {
        value: functionUrl(name, environment.region, this.projectNumber),
      });
    }
  }
}
