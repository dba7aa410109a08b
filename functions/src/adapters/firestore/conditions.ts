import { Timestamp } from '@google-cloud/firestore';
import { StoreAway } from '../../operation/errors.ts';

/** gRPC status codes that refuse a conditional write: ALREADY_EXISTS, FAILED_PRECONDITION, NOT_FOUND. */
const REFUSALS: ReadonlySet<unknown> = new Set([6, 9, 5]);

export function revisionOf(time: Timestamp): string {
  return `${time.seconds}.${time.nanoseconds}`;
}

export function updateTime(revision: string): Timestamp {
  const [seconds, nanoseconds] = revision.split('.').map(Number);
  return new Timestamp(seconds ?? 0, nanoseconds ?? 0);
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** For a failed conditional write: refused, or of unknown outcome. */
export function refusedOrAway(error: unknown): 'refused' {
  if (REFUSALS.has(codeOf(error))) return 'refused';
  throw away(error);
}

export function rethrowAway(error: unknown): never {
  throw away(error);
}

function away(error: unknown): StoreAway {
  const told = error instanceof Error ? error.message : String(error);
  return new StoreAway(`Firestore gave no usable answer: ${told}`, { cause: error });
}
