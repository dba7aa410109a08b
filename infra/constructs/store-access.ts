import { ProjectIamCustomRole } from '@cdktf/provider-google/lib/project-iam-custom-role/index.js';
import { ProjectIamMember } from '@cdktf/provider-google/lib/project-iam-member/index.js';
import { ACCOUNTS, accountEmail, STORE_ROLE } from '../resource-names.ts';
import type { FunctionName } from '../resource-names.ts';
import type { ProjectStack } from './google-project.ts';

/** What the Firestore adapter does. Nothing in it deletes: one document per token, for its whole life. */
const PERMISSIONS = [
  'datastore.databases.get',
  'datastore.entities.create',
  'datastore.entities.get',
  'datastore.entities.list',
  'datastore.entities.update',
];

/**
 * Lets functions and operators read and write the documents of this database, and of no other. Firestore knows access by
 * project only, so the condition is what narrows it.
 */
export function storeAccess(stack: ProjectStack, functions: readonly FunctionName[]): void {
  const { project, database } = stack.environment;
  const role = new ProjectIamCustomRole(stack, 'store-role', {
    roleId: STORE_ROLE,
    title: 'agent-once: reads and writes tokens',
    description: "Documents of the tokens' database, without deleting any.",
    permissions: PERMISSIONS,
  });
  const { environment } = stack;
  const members: Record<string, string> = {};
  for (const name of functions) {
    members[name] = `serviceAccount:${accountEmail(environment, ACCOUNTS.runsAs(name))}`;
  }
  for (const [number, member] of environment.operators.entries()) {
    members[`operator-${number}`] = member;
  }
  for (const [name, member] of Object.entries(members)) {
    new ProjectIamMember(stack, `store-${name}`, {
      project,
      role: role.name,
      member,
      condition: {
        title: `Only the database ${database}`,
        expression: `resource.name == "projects/${project}/databases/${database}"`,
      },
    });
  }
}
