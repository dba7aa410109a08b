import { BigtableAppProfile } from '@cdktf/provider-google/lib/bigtable-app-profile/index.js';
import { BigtableGcPolicy } from '@cdktf/provider-google/lib/bigtable-gc-policy/index.js';
import { BigtableInstance } from '@cdktf/provider-google/lib/bigtable-instance/index.js';
import { BigtableTableIamMember } from '@cdktf/provider-google/lib/bigtable-table-iam-member/index.js';
import { BigtableTable } from '@cdktf/provider-google/lib/bigtable-table/index.js';
import type { Environment } from '../environment.ts';
import { FUNCTION_SPECS } from '../function-specs.ts';
import { ACCOUNTS, accountEmail, FUNCTION_NAMES } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';
import { keyGrants } from './key-grant.ts';

const FAMILY = 'o';
const CLUSTER = 'agent-once';

/**
 * Bigtable with a table of tokens and one of events: for billions of actions. One cluster, and a profile
 * that allows transactions on one row: across clusters two claims could both be granted.
 */
export function bigtable(
  stack: ProjectStack,
  { nodes, storage }: NonNullable<Environment['optional']['bigtable']>,
): void {
  const { region, protectData, optional } = stack.environment;
  const { encryptionKey } = optional;
  const instance = new BigtableInstance(stack, 'bigtable', {
    name: 'agent-once',
    deletionProtection: protectData,
    dependsOn: keyGrants(stack, ['gcp-sa-bigtable']),
    cluster: [
      {
        clusterId: CLUSTER,
        zone: `${region}-b`,
        storageType: storage,
        autoscalingConfig: { minNodes: nodes, maxNodes: 10 * nodes, cpuTarget: 60 },
        ...(encryptionKey !== undefined && { kmsKeyName: encryptionKey }),
      },
    ],
  });
  new BigtableAppProfile(stack, 'bigtable-profile', {
    instance: instance.name,
    appProfileId: 'agent-once',
    singleClusterRouting: { clusterId: CLUSTER, allowTransactionalWrites: true },
    ignoreWarnings: true,
  });
  for (const name of ['operations', 'events']) {
    const table = new BigtableTable(stack, `bigtable-${name}`, {
      name,
      instanceName: instance.name,
      columnFamily: [{ family: FAMILY }],
      deletionProtection: protectData ? 'PROTECTED' : 'UNPROTECTED',
    });
    new BigtableGcPolicy(stack, `bigtable-${name}-versions`, {
      instanceName: instance.name,
      table: table.name,
      columnFamily: FAMILY,
      gcRules: JSON.stringify({ rules: [{ max_version: 1 }] }),
      deletionPolicy: 'ABANDON',
    });
    for (const caller of FUNCTION_NAMES.filter((name) => FUNCTION_SPECS[name].usesStore)) {
      new BigtableTableIamMember(stack, `bigtable-${name}-${caller}`, {
        instance: instance.name,
        table: table.name,
        role: 'roles/bigtable.user',
        member: `serviceAccount:${accountEmail(stack.environment, ACCOUNTS.runsAs(caller))}`,
      });
    }
  }
}
