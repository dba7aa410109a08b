import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { COLLECTIONS, OPERATION_TTL_FIELD, WORKFLOW_TTL_FIELD } from '../../functions/src/names.ts';
import { at, ofType, readSynthesised } from '../../infra/policy/synthesised.ts';
import { FUNCTION_NAMES } from '../../infra/resource-names.ts';
import {
  ENVIRONMENTS,
  environmentOf,
  resourcesOf,
  SOURCE,
  synthesised,
} from './support/synthesised-environment.ts';

/** Every file that a synthesis writes, by its path. */
function filesOf(outdir: string): Record<string, string> {
  const paths = readdirSync(outdir, { recursive: true, encoding: 'utf8' });
  const files = paths.filter((path) => statSync(join(outdir, path)).isFile());
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(outdir, path), 'utf8')]));
}

describe.each(Object.keys(ENVIRONMENTS))('the environment %s', (name) => {
  it('is synthesised to the same bytes every time', () => {
    const [first, second] = [1, 2].map(() => synthesised(environmentOf(name), filesOf));
    expect(Object.keys(first ?? {})).toContain('stacks/compute/cdk.tf.json');
    expect(second).toEqual(first);
  });

  it('keeps its state in a bucket, each stack under its own name', () => {
    const { project } = environmentOf(name);
    const backends = synthesised(environmentOf(name), filesOf);
    for (const [path, json] of Object.entries(backends)) {
      if (!path.endsWith('cdk.tf.json')) continue;
      expect(at(JSON.parse(json), 'terraform', 'backend', 'gcs')).toEqual({
        bucket: `${project}-agent-once-state`,
        prefix: path.split('/')[1],
      });
    }
  });

  it('deploys every function from the one package', () => {
    const resources = resourcesOf(name);
    const functions = ofType(resources, 'google_cloudfunctions2_function');
    const entries = functions.map(({ attributes }) =>
      at(attributes, 'build_config', 'entry_point'),
    );
    expect(entries).toEqual(expect.arrayContaining([...FUNCTION_NAMES]));
    expect(entries).toHaveLength(FUNCTION_NAMES.length);
    for (const { attributes } of functions) {
      expect(at(attributes, 'build_config', 'runtime')).toBe('nodejs24');
      expect(at(attributes, 'build_config', 'source', 'storage_source', 'object')).toBe(
        '${google_storage_bucket_object.source.name}',
      );
    }
    const [object] = ofType(resources, 'google_storage_bucket_object');
    expect(object?.attributes).toMatchObject({ name: SOURCE.objectName, source: SOURCE.path });
  });

  it('lets Firestore forget stubs and ended workflows, each by a field without an index', () => {
    const ttl = ofType(resourcesOf(name), 'google_firestore_field').filter(
      ({ attributes }) => attributes['ttl_config'] !== undefined,
    );
    expect(ttl.map(({ attributes }) => attributes)).toMatchObject([
      {
        collection: COLLECTIONS.operations,
        field: OPERATION_TTL_FIELD,
        ttl_config: {},
        index_config: {},
      },
      {
        collection: COLLECTIONS.workflows,
        field: WORKFLOW_TTL_FIELD,
        ttl_config: {},
        index_config: {},
      },
    ]);
  });
});

describe('what an environment chooses', () => {
  it('protects the data of production from Terraform and from Google Cloud alike', () => {
    const [database] = ofType(resourcesOf('prod'), 'google_firestore_database');
    expect(database?.attributes).toMatchObject({
      delete_protection_state: 'DELETE_PROTECTION_ENABLED',
      deletion_policy: 'ABANDON',
      lifecycle: { prevent_destroy: true },
    });
    const buckets = ofType(resourcesOf('prod'), 'google_storage_bucket');
    const protectedOnes = buckets.filter(({ attributes }) =>
      at(attributes, 'lifecycle', 'prevent_destroy'),
    );
    expect(protectedOnes.map(({ key }) => key)).toEqual(['bucket-archive', 'bucket-blobs']);
  });

  it('can be taken down whole where nothing is protected', () => {
    const resources = resourcesOf('dev');
    expect(JSON.stringify(resources)).not.toContain('"prevent_destroy":true');
    const [database] = ofType(resources, 'google_firestore_database');
    expect(database?.attributes).toMatchObject({ deletion_policy: 'DELETE' });
  });

  it('has archived operations grow cheaper with age, and deletes them only when told to', () => {
    const rulesOf = (name: string) => {
      const bucket = ofType(resourcesOf(name), 'google_storage_bucket').find(
        ({ key }) => key === 'bucket-archive',
      );
      const rules = bucket?.attributes['lifecycle_rule'] as object[];
      return rules.map((rule) => [
        at(rule, 'action', 'storage_class') ?? at(rule, 'action', 'type'),
        at(rule, 'condition', 'age'),
      ]);
    };
    const ageing = [
      ['NEARLINE', 30],
      ['COLDLINE', 90],
      ['ARCHIVE', 365],
    ];
    expect(rulesOf('prod')).toEqual(ageing);
    expect(rulesOf('everything')).toEqual([...ageing, ['Delete', 3_650]]);
  });

  it('encrypts what it keeps with a key of its own, once Google’s services may use it', () => {
    const resources = resourcesOf('prod');
    const key = environmentOf('prod').optional.encryptionKey;
    const grants = ofType(resources, 'google_kms_crypto_key_iam_member');
    expect(new Set(grants.map(({ attributes }) => attributes['crypto_key_id']))).toEqual(
      new Set([key]),
    );
    const agents = grants.map(({ attributes }) => String(attributes['member']).replace(/^.*@/, ''));
    expect(agents.toSorted()).toEqual([
      'cloud-redis.iam.gserviceaccount.com',
      'gcp-sa-bigtable.iam.gserviceaccount.com',
      'gcp-sa-firestore.iam.gserviceaccount.com',
      'gcp-sa-pubsub.iam.gserviceaccount.com',
      'gs-project-accounts.iam.gserviceaccount.com',
    ]);
    const [database] = ofType(resources, 'google_firestore_database');
    expect(at(database?.attributes, 'cmek_config', 'kms_key_name')).toBe(key);
    expect(database?.attributes['depends_on']).toHaveLength(3);
    const archive = ofType(resources, 'google_storage_bucket').find(
      ({ key: name }) => name === 'bucket-archive',
    );
    expect(at(archive?.attributes, 'encryption', 'default_kms_key_name')).toBe(key);
  });

  it('lets the HTTP service delete blobs, and nothing in the archive', () => {
    const service = 'serviceAccount:agent-once-api@your-project-prod.iam.gserviceaccount.com';
    const granted = ofType(resourcesOf('prod'), 'google_storage_bucket_iam_member')
      .filter(({ attributes }) => attributes['member'] === service)
      .map(({ key, attributes }) => [key, attributes['role']]);
    expect(granted).toEqual([
      ['archive-api-objectViewer', 'roles/storage.objectViewer'],
      ['blobs-api-erases', '${google_project_iam_custom_role.eraser-role.name}'],
      ['blobs-api-objectCreator', 'roles/storage.objectCreator'],
      ['blobs-api-objectViewer', 'roles/storage.objectViewer'],
    ]);
    const role = ofType(resourcesOf('prod'), 'google_project_iam_custom_role').find(
      ({ key }) => key === 'eraser-role',
    );
    expect(role?.attributes['permissions']).toEqual(['storage.objects.delete']);
  });

  it('lets operators work with the command line, without a role on the project', () => {
    const member = 'group:on-call@example.com';
    const granted = resourcesOf('prod')
      .filter(({ attributes }) => attributes['member'] === member)
      .map(({ type, attributes }) => [
        type,
        attributes['role'],
        at(attributes, 'condition', 'expression') ?? 'resource',
      ]);
    expect(granted).toEqual(
      expect.arrayContaining([
        [
          'google_project_iam_member',
          '${google_project_iam_custom_role.store-role.name}',
          'resource.name == "projects/your-project-prod/databases/agent-once"',
        ],
        ['google_storage_bucket_iam_member', 'roles/storage.objectUser', 'resource'],
        ['google_pubsub_topic_iam_member', 'roles/pubsub.publisher', 'resource'],
        ['google_pubsub_subscription_iam_member', 'roles/pubsub.subscriber', 'resource'],
      ]),
    );
    expect(granted).toHaveLength(5);
    expect(JSON.stringify(resourcesOf('dev'))).not.toContain('operator');
  });

  it('adds Redis, Bigtable and the history of state only where they are asked for', () => {
    const optional = (name: string) =>
      new Set(
        synthesised(environmentOf(name), readSynthesised)
          .filter(({ stack }) => stack === 'optional')
          .map(({ type }) => type),
      );
    expect(optional('dev')).toEqual(new Set());
    expect(synthesised(environmentOf('dev'), filesOf)).toHaveProperty([
      'stacks/optional/cdk.tf.json',
    ]);
    expect(optional('staging')).toContain('google_bigquery_dataset');
    expect(optional('staging')).not.toContain('google_redis_instance');
    for (const type of [
      'google_redis_instance',
      'google_bigtable_instance',
      'google_bigquery_table',
    ]) {
      expect(optional('prod')).toContain(type);
    }
  });

  it('keeps Redis on a network that only the functions are connected to', () => {
    const resources = resourcesOf('prod');
    const [redis] = ofType(resources, 'google_redis_instance');
    expect(redis?.attributes).toMatchObject({
      connect_mode: 'PRIVATE_SERVICE_ACCESS',
      auth_enabled: true,
    });
    for (const { attributes } of ofType(resources, 'google_cloudfunctions2_function')) {
      expect(at(attributes, 'service_config', 'vpc_connector')).toContain('/connectors/agent-once');
    }
  });
});
