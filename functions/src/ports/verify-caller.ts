export type CallerAnswer =
  | { readonly kind: 'verified' }
  /** `why` is for the log: a caller that can't prove itself is told no details. */
  | { readonly kind: 'refused'; readonly status: 401 | 403; readonly why: string }
  /** The proof could not be checked, through no fault of the caller's. */
  | { readonly kind: 'unavailable'; readonly why: string };

/** Judges the `Authorization` header of a request. */
export type VerifyCaller = (authorization: string | undefined) => Promise<CallerAnswer>;
