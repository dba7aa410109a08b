import { DataGoogleProject } from '@cdktf/provider-google/lib/data-google-project/index.js';
import { GoogleProvider } from '@cdktf/provider-google/lib/provider/index.js';
import { GcsBackend, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';
import type { Environment } from '../environment.ts';
import { stateBucketName } from '../resource-names.ts';

const LABELS = { app: 'agent-once' };

export type ServiceAgent =
  | 'cloud-redis'
  | 'gcp-sa-bigtable'
  | 'gcp-sa-firestore'
  | 'gcp-sa-pubsub'
  | 'gs-project-accounts';

/** A stack of one environment's project. Its state lies in a bucket that whoever deploys shares. */
export class ProjectStack extends TerraformStack {
  readonly environment: Environment;
  #number: string | undefined;

  constructor(scope: Construct, id: string, environment: Environment) {
    super(scope, id);
    this.environment = environment;
    const { project, region, name } = environment;
    new GoogleProvider(this, 'google', {
      project,
      region,
      defaultLabels: { ...LABELS, environment: name },
    });
    new GcsBackend(this, { bucket: stateBucketName(project), prefix: id });
  }

  /** Known to Terraform when it plans. */
  get projectNumber(): string {
    const { project } = this.environment;
    this.#number ??= new DataGoogleProject(this, 'project', { projectId: project }).number;
    return this.#number;
  }

  /** Google's own account that does a service's work in this project. */
  serviceAgent(service: ServiceAgent): string {
    return `serviceAccount:service-${this.projectNumber}@${service}.iam.gserviceaccount.com`;
  }
}
