import type { Answer } from './answer.ts';
import { problem } from './problem.ts';
import type { ApiService, Caller, Role } from './service.ts';

export type Permission = 'read' | 'list' | 'run' | 'intervene';

const PERMITTED: Readonly<Record<Permission, readonly Role[]>> = {
  read: ['reader', 'agent', 'operator'],
  list: ['reader', 'operator'],
  run: ['agent'],
  intervene: ['operator'],
};

export interface Credentials {
  readonly authorization: string | undefined;
  /** Which of the caller's namespaces; needed only where it has several. */
  readonly namespace: string | undefined;
}

export type Authorized =
  | { readonly kind: 'caller'; readonly caller: Caller }
  | { readonly kind: 'refused'; readonly answer: Answer };

/**
 * Who calls, for which namespace, and whether it may. A namespace that the caller has no grant for is
 * answered the same whether it exists or not.
 */
export async function authorize(
  { runtime, identify, grants }: ApiService,
  permission: Permission,
  { authorization, namespace: wanted }: Credentials,
): Promise<Authorized> {
  const identified = await identify(authorization);
  if (identified.kind !== 'verified') {
    const { kind, why } = identified;
    runtime.telemetry.event('WARNING', `A request was refused: ${why}`, { caller: kind });
    return kind === 'unavailable'
      ? refused(problem('unavailable', 'The caller could not be verified now.'))
      : refused(unauthenticated());
  }
  const { principal } = identified;
  const own = grants.filter((grant) => grant.principal === principal);
  const namespaces = [...new Set(own.map(({ namespace }) => namespace))];
  if (wanted === undefined && namespaces.length > 1) {
    const fault = 'Agent-Once-Namespace: is needed, since this caller has several namespaces';
    return refused(problem('invalid', 'The namespace is not said.', { faults: [fault] }));
  }
  const namespace = wanted === undefined ? namespaces[0] : namespaces.find((it) => it === wanted);
  if (namespace === undefined) {
    return refused(problem('forbidden', `${principal} has no such namespace.`));
  }
  const permitted = own.some(
    (grant) =>
      grant.namespace === namespace &&
      grant.roles.some((role) => PERMITTED[permission].includes(role)),
  );
  if (permitted) return { kind: 'caller', caller: { principal, namespace } };
  const needed = PERMITTED[permission].join(' or ');
  return refused(problem('forbidden', `${principal} needs the role ${needed} for this.`));
}

function unauthenticated(): Answer {
  const answer = problem('unauthenticated', 'The request has no valid ID token.');
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': 'Bearer' } };
}

function refused(answer: Answer): Authorized {
  return { kind: 'refused', answer };
}
