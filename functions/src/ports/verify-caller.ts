export type CallerAnswer =
  | { readonly kind: 'verified' }
  /** `why` is for the log: a caller that can't prove itself is told no details. */
  | { readonly kind: 'refused'; readonly status: 401 | 403; readonly why: string }
  /** The proof could not be checked, through no fault of the caller's. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** Judges what a request says of its caller: see {@link credentialsOf}. */
export type VerifyCaller = (authorization: string | undefined) => Promise<CallerAnswer>;

/**
 * What a request says of its caller. Where `X-Serverless-Authorization` is there, Cloud Run's IAM checks
 * that one only (https://cloud.google.com/run/docs/authenticating/service-to-service): whatever
 * `Authorization` says beside it was checked by nobody.
 */
export function credentialsOf(header: (name: string) => string | undefined): string | undefined {
  return header('x-serverless-authorization') ?? header('authorization');
}
