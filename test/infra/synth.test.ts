import { Testing } from 'cdktf';
import { describe, expect, it } from 'vitest';
import { OPERATION_INDEXES } from '../../functions/src/names.ts';
import { addStacks } from '../../infra/stacks/all-stacks.ts';

type Resources = Record<string, Record<string, Record<string, unknown>>>;

const { data, messaging } = addStacks(Testing.app({ outdir: 'infra/cdktf.out' }));

function resourcesOf(stack: typeof data | typeof messaging): Resources {
  const synthesised = JSON.parse(Testing.synth(stack, true)) as { resource: Resources };
  return synthesised.resource;
}

describe('the data stack', () => {
  const resources = resourcesOf(data);

  it('protects the database from being deleted, by Google Cloud and by Terraform', () => {
    expect(resources['google_firestore_database']).toEqual({
      database: expect.objectContaining({
        type: 'FIRESTORE_NATIVE',
        delete_protection_state: 'DELETE_PROTECTION_ENABLED',
        lifecycle: { prevent_destroy: true },
      }),
    });
  });

  it('has the index of every query of the Firestore adapter, in field order', () => {
    const indexes = Object.values(resources['google_firestore_index'] ?? {});
    const paths = indexes.map(({ fields }) =>
      (fields as { field_path: string }[]).map((field) => field.field_path),
    );
    const expected = Object.values(OPERATION_INDEXES).map((fields) => fields.map((f) => f.path));
    expect(paths).toHaveLength(expected.length);
    expect(paths).toEqual(expect.arrayContaining(expected));
  });

  it('exempts every single field of an operation from indexing', () => {
    expect(Object.values(resources['google_firestore_field'] ?? {})).toEqual([
      expect.objectContaining({ collection: 'operations', field: '*', index_config: {} }),
    ]);
  });
});

describe('the messaging stack', () => {
  const resources = resourcesOf(messaging);

  it('keeps dead letters in a subscription that does not expire', () => {
    const subscriptions = Object.values(resources['google_pubsub_subscription'] ?? {});
    expect(subscriptions).toEqual([
      expect.objectContaining({
        topic: '${google_pubsub_topic.dead-letters.name}',
        expiration_policy: { ttl: '' },
      }),
    ]);
  });

  it('retains a published task for a week', () => {
    expect(resources['google_pubsub_topic']?.['tasks']).toMatchObject({
      message_retention_duration: '604800s',
    });
  });
});

it('names no project and no credentials: who applies a stack says where', () => {
  for (const stack of [data, messaging]) {
    const { provider } = JSON.parse(Testing.synth(stack)) as { provider: { google: unknown[] } };
    expect(provider.google).toEqual([{ project: '${var.project}', region: '${var.location}' }]);
  }
});
