import { ArtifactRegistryRepositoryIamMember } from '@cdktf/provider-google/lib/artifact-registry-repository-iam-member/index.js';
import { ArtifactRegistryRepository } from '@cdktf/provider-google/lib/artifact-registry-repository/index.js';
import { ProjectIamMember } from '@cdktf/provider-google/lib/project-iam-member/index.js';
import { ProjectService } from '@cdktf/provider-google/lib/project-service/index.js';
import { SecretManagerSecretIamMember } from '@cdktf/provider-google/lib/secret-manager-secret-iam-member/index.js';
import { SecretManagerSecret } from '@cdktf/provider-google/lib/secret-manager-secret/index.js';
import { ServiceAccount } from '@cdktf/provider-google/lib/service-account/index.js';
import { StorageBucketIamMember } from '@cdktf/provider-google/lib/storage-bucket-iam-member/index.js';
import type { Construct } from 'constructs';
import { ProjectStack } from '../constructs/google-project.ts';
import { privateBucket } from '../constructs/private-bucket.ts';
import type { Environment } from '../environment.ts';
import { FUNCTION_SPECS } from '../function-specs.ts';
import { secretVariables } from '../function-variables.ts';
import { ACCOUNTS, accountEmail, FUNCTION_NAMES, REPOSITORY, SECRETS } from '../resource-names.ts';
import { requiredApis } from '../required-apis.ts';

/** What everything else stands on: APIs, service accounts, and where functions are built. */
export class FoundationStack extends ProjectStack {
  constructor(scope: Construct, environment: Environment) {
    super(scope, 'foundation', environment);
    const services = requiredApis(environment).map(
      (service) =>
        // Other things in the project may need the API as well: it stays on.
        new ProjectService(this, `api-${service}`, { service, disableOnDestroy: false }),
    );
    for (const name of FUNCTION_NAMES) {
      const { does, calledBy } = FUNCTION_SPECS[name];
      this.#account(ACCOUNTS.runsAs(name), `Runs ${name}. ${does}`, services);
      if (calledBy !== 'principals') {
        this.#account(ACCOUNTS.calls(name), `Calls ${name}, and nothing else.`, services);
      }
    }
    this.#secrets(services);
    this.#whatBuilds(services);
  }

  #account(id: string, description: string, dependsOn: ProjectService[]): ServiceAccount {
    const displayName = id;
    return new ServiceAccount(this, `account-${id}`, {
      accountId: id,
      displayName,
      description,
      dependsOn,
    });
  }

  #secrets(dependsOn: ProjectService[]): void {
    const { region } = this.environment;
    const secrets = SECRETS.map(
      (secretId) =>
        new SecretManagerSecret(this, `secret-${secretId}`, {
          secretId,
          replication: { userManaged: { replicas: [{ location: region }] } },
          dependsOn,
        }),
    );
    for (const name of FUNCTION_NAMES) {
      for (const read of Object.values(secretVariables(name))) {
        new SecretManagerSecretIamMember(this, `${name}-reads-${read}`, {
          secretId: secrets[SECRETS.indexOf(read)]?.id ?? read,
          role: 'roles/secretmanager.secretAccessor',
          member: `serviceAccount:${accountEmail(this.environment, ACCOUNTS.runsAs(name))}`,
          dependsOn: [this.node.findChild(`account-${ACCOUNTS.runsAs(name)}`) as ServiceAccount],
        });
      }
    }
  }

  #whatBuilds(dependsOn: ProjectService[]): void {
    const { region, project } = this.environment;
    const { member } = this.#account(ACCOUNTS.builds, 'Builds the functions.', dependsOn);
    const source = privateBucket(this, 'source');
    const repository = new ArtifactRegistryRepository(this, 'images', {
      repositoryId: REPOSITORY,
      format: 'DOCKER',
      location: region,
      description: 'Images of the functions, as Cloud Build makes them.',
      dependsOn,
    });
    new ArtifactRegistryRepositoryIamMember(this, 'build-writes-images', {
      repository: repository.name,
      location: region,
      role: 'roles/artifactregistry.writer',
      member,
    });
    new StorageBucketIamMember(this, 'build-reads-source', {
      bucket: source.name,
      role: 'roles/storage.objectViewer',
      member,
    });
    // Cloud Functions copies the source to a bucket that it makes by itself, with the first build.
    const copies = `gcf-v2-sources-${this.projectNumber}-${region}`;
    new ProjectIamMember(this, 'build-reads-copied-source', {
      project,
      role: 'roles/storage.objectViewer',
      member,
      condition: {
        title: 'Only the source that Cloud Functions copied',
        expression: `resource.name.startsWith("projects/_/buckets/${copies}")`,
      },
    });
    // Logs belong to the project: no narrower resource takes this role.
    new ProjectIamMember(this, 'build-writes-logs', {
      project,
      role: 'roles/logging.logWriter',
      member,
    });
  }
}
