import { at, named, ofType, referred } from './synthesised.ts';
import type { Resource } from './synthesised.ts';

/** What is wrong, one sentence each. */
export type Policy = (resources: readonly Resource[]) => readonly string[];

const PUBLIC = ['allUsers', 'allAuthenticatedUsers'];
const PRIMITIVE = ['roles/owner', 'roles/editor', 'roles/viewer'];

const isIam = ({ type }: Resource): boolean => /_iam_(?:member|binding|policy)$/.test(type);

export const noPublicPrincipal: Policy = (resources) =>
  resources
    .filter(({ attributes }) =>
      PUBLIC.some((name) => JSON.stringify(attributes).includes(`"${name}"`)),
    )
    .map((resource) => `${named(resource)} is open to everyone.`);

export const noPrimitiveRole: Policy = (resources) =>
  resources
    .filter(({ attributes }) => PRIMITIVE.includes(String(attributes['role'])))
    .map((resource) => `${named(resource)} gives a primitive role.`);

/** Replaces whatever others granted: a binding or a policy takes access away from what it doesn't name. */
export const grantsAddOnly: Policy = (resources) =>
  resources
    .filter(({ type }) => /_iam_(?:binding|policy)$/.test(type))
    .map((resource) => `${named(resource)} overwrites grants of others; use a member.`);

/** Roles that can be given on a project only, and what must narrow them. */
const PROJECT_WIDE: Readonly<Record<string, RegExp | 'whole project'>> = {
  '${google_project_iam_custom_role.store-role.name}':
    /^resource\.name == "projects\/[^/"]+\/databases\/[^/"]+"$/,
  'roles/storage.objectViewer':
    /^resource\.name\.startsWith\("projects\/_\/buckets\/gcf-v2-sources-[^/"]+"\)$/,
  'roles/logging.logWriter': 'whole project',
};

export const noNeedlessProjectRole: Policy = (resources) =>
  ofType(resources, 'google_project_iam_member').flatMap((resource) => {
    const role = String(resource.attributes['role']);
    const allowed = PROJECT_WIDE[role];
    if (allowed === undefined) return [`${named(resource)} gives ${role} on the whole project.`];
    const condition = String(at(resource.attributes, 'condition', 'expression'));
    if (allowed === 'whole project' || allowed.test(condition)) return [];
    return [`${named(resource)} gives ${role} without a condition that narrows it.`];
  });

const ERASER = '${google_project_iam_custom_role.eraser-role.name}';

/** But for the one role that does nothing else. */
export const storeRoleDeletesNothing: Policy = (resources) =>
  ofType(resources, 'google_project_iam_custom_role').flatMap((resource) => {
    const permissions = resource.attributes['permissions'] as string[];
    if (resource.key === 'eraser-role') {
      const only = permissions.join() === 'storage.objects.delete';
      return only ? [] : [`${named(resource)} is for more than deleting objects.`];
    }
    return permissions
      .filter((permission) => /delete|import|export|\*|setIamPolicy/i.test(permission))
      .map((permission) => `${named(resource)} includes ${permission}.`);
  });

/** Payloads of archived operations are erased by a person, with the command line. */
export const erasesBlobsOnly: Policy = (resources) =>
  resources
    .filter(({ attributes }) => attributes['role'] === ERASER)
    .filter(({ attributes: { bucket } }) => bucket !== '${google_storage_bucket.bucket-blobs.name}')
    .map((resource) => `${named(resource)} lets a function delete what is not a blob.`);

/** Each function runs as an account of its own, which runs nothing else. */
export const oneAccountEach: Policy = (resources) => {
  const seen = new Map<string, string>();
  const accounts = ofType(resources, 'google_service_account');
  return ofType(resources, 'google_cloudfunctions2_function').flatMap((resource) => {
    const account = String(at(resource.attributes, 'service_config', 'service_account_email'));
    const before = seen.get(account);
    seen.set(account, named(resource));
    if (before !== undefined) return [`${named(resource)} shares ${account} with ${before}.`];
    const declared = accounts.some(({ attributes }) =>
      account.startsWith(`${String(attributes['account_id'])}@`),
    );
    return declared ? [] : [`${named(resource)} runs as ${account}, which is not declared.`];
  });
};

/** Whoever calls proves who they are, to the very function, and may call nothing else. */
export const callersAreVerified: Policy = (resources) => {
  const pushes = ofType(resources, 'google_pubsub_subscription')
    .filter(({ attributes }) => attributes['push_config'] !== undefined)
    .map((resource) => ({
      resource,
      url: at(resource.attributes, 'push_config', 'push_endpoint'),
      token: at(resource.attributes, 'push_config', 'oidc_token'),
    }));
  const jobs = ofType(resources, 'google_cloud_scheduler_job').map((resource) => ({
    resource,
    url: at(resource.attributes, 'http_target', 'uri'),
    token: at(resource.attributes, 'http_target', 'oidc_token'),
  }));
  return [...pushes, ...jobs].flatMap(({ resource, url, token }) => {
    const account = String(at(token, 'service_account_email'));
    if (at(token, 'audience') !== url)
      return [`${named(resource)} has no OIDC token for ${String(url)}.`];
    const called = ofType(resources, 'google_cloudfunctions2_function').find(
      ({ attributes }) => variable(attributes, 'AGENT_ONCE_PUSH_AUDIENCE') === url,
    );
    if (!called)
      return [`${named(resource)} calls ${String(url)}, which is no function's audience.`];
    if (variable(called.attributes, 'AGENT_ONCE_PUSH_SERVICE_ACCOUNT') !== account) {
      return [`${named(called)} expects another caller than ${named(resource)} signs as.`];
    }
    const invoked = resources
      .filter((grant) => isIam(grant) && grant.attributes['member'] === `serviceAccount:${account}`)
      .map(({ type, attributes }) =>
        type === 'google_cloud_run_v2_service_iam_member' &&
        attributes['role'] === 'roles/run.invoker'
          ? referred(resources, 'google_cloudfunctions2_function', attributes['name'])?.key
          : type,
      );
    if (invoked.length === 1 && invoked[0] === called.key) return [];
    return [`${account} must be given run.invoker on ${called.key}, and nothing else.`];
  });
};

export const variable = (attributes: unknown, name: string): unknown =>
  at(attributes, 'service_config', 'environment_variables', name);
