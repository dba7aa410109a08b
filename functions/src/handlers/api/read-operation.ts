import { identifyOperation } from '../../engine/identify-operation.ts';
import type { DescribedOperation, IdentifiedOperation } from '../../engine/identify-operation.ts';
import type { Effect } from '../../operation/record.ts';
import { CanonicalError } from '../../token/canonical.ts';
import { decodeValue } from '../../token/canonical-decode.ts';
import type { Context } from '../../token/hash.ts';
import { MalformedComponent } from '../../token/hash.ts';
import { keyToken } from '../../token/token.ts';
import type { Namespace, Token } from '../../token/token.ts';
import type { z } from 'zod';
import type { operationFields } from './operation-fields.ts';
import type { Subject } from './report.ts';
import type { Caller } from './service.ts';

type Fields = {
  readonly [Name in keyof typeof operationFields]?: z.output<(typeof operationFields)[Name]>;
};

export type ReadOperation =
  | { readonly kind: 'operation'; readonly operation: IdentifiedOperation }
  | { readonly kind: 'invalid'; readonly faults: readonly string[] };

export interface Defaults {
  readonly effect: Effect;
  readonly retention: string;
  /** Epoch milliseconds: when the request was made, where it doesn't say. */
  readonly now: number;
}

/** How far a caller's clock may run ahead. */
const AHEAD_MAX_MS = 86_400_000;

/** The operation that a caller means, by the key in its header or by what the body says. */
export function readOperation(
  fields: Fields,
  header: string | undefined,
  { principal, namespace }: Caller,
  { effect, retention, now }: Defaults,
  where = 'body',
): ReadOperation {
  const faults: string[] = [];
  const fault = (name: string, problem: string) => faults.push(`${where}.${name}: ${problem}`);
  const { key = header, token, root, path, madeAt = now, agent = principal, params } = fields;
  if (header !== undefined && fields.key !== undefined && fields.key !== header) {
    fault('key', 'says otherwise than the header Idempotency-Key');
  }
  if (key !== undefined && token !== undefined) fault('token', 'give a key or a token, not both');
  if (params !== undefined && fields.requestHash !== undefined) {
    fault('requestHash', 'give params or their hash, not both');
  }
  if (fields.occurrence !== undefined && (root === undefined || path === undefined)) {
    fault('occurrence', 'needs root and path');
  }
  if (madeAt > now + AHEAD_MAX_MS) fault('madeAt', 'lies more than a day ahead');
  const identity = identityOf(fields, key);
  const context = fields.context && decoded(`${where}.context`, fields.context, faults);
  const request =
    fields.requestHash === undefined
      ? { params: decoded(`${where}.params`, params, faults) }
      : { hash: fields.requestHash };
  if (faults.length > 0) return { kind: 'invalid', faults };
  try {
    const { action = 'operation' } = fields;
    const operation = identifyOperation({
      namespace,
      action,
      agent,
      request,
      identity,
      root,
      path,
      madeAt,
      effect,
      retention,
      context: context as Context | undefined,
    });
    return { kind: 'operation', operation };
  } catch (error) {
    if (!(error instanceof MalformedComponent) && !(error instanceof CanonicalError)) throw error;
    return { kind: 'invalid', faults: [`${where}: ${error.message}`] };
  }
}

export function subjectOf({ facts }: IdentifiedOperation): Subject {
  const { namespace, token, action, retention } = facts;
  return { namespace, token, action, class: retention.name };
}

function identityOf(fields: Fields, key: string | undefined): DescribedOperation['identity'] {
  const { token, root, path, occurrence = 0, scope = 'global' } = fields;
  if (key !== undefined) return { by: 'key', key };
  if (token !== undefined) return { by: 'token', token };
  if (root !== undefined && path !== undefined) return { by: 'place', occurrence };
  return { by: 'window', scope };
}

/** The token of a write that needs one of its own, since nothing else tells its repetition from another. */
export function writeToken(
  namespace: Namespace,
  given: { readonly key?: string | undefined; readonly token?: Token | undefined },
  header: string | undefined,
  faults: string[],
  where = 'body',
): Token | undefined {
  const { key = header, token } = given;
  if (header !== undefined && key !== header) {
    faults.push(`${where}.key: says otherwise than the header Idempotency-Key`);
  }
  if (key !== undefined && token !== undefined) {
    faults.push(`${where}.token: give a key or a token, not both`);
  }
  if (key === undefined && token === undefined) {
    faults.push(`${where}.key: is needed; a random one, the same for each repetition`);
  }
  try {
    return key === undefined ? token : keyToken(namespace, key);
  } catch (error) {
    if (!(error instanceof MalformedComponent)) throw error;
    faults.push(`${where}.key: ${error.message}`);
    return undefined;
  }
}

/** A parsed JSON value with its tags read, in place; what has no canonical form is a fault. */
export function decoded(where: string, json: unknown, faults: string[]): unknown {
  if (json === undefined) return undefined;
  try {
    return decodeValue(json, { verb: 'decode', ancestors: [], steps: [] });
  } catch (error) {
    if (!(error instanceof CanonicalError)) throw error;
    faults.push(`${where}: ${error.message}`);
    return undefined;
  }
}
