/** When these prices were looked up. */
export const LOOKED_UP = '2026-11-24';
const COPY = 'an undated copy of it';
const SECONDARY = 'an article about it';

/** US dollars, from the list price's page; no discount, no free tier. */
export interface Price {
  readonly usd: number;
  /** For how many. */
  readonly per: number;
  readonly of: string;
  readonly source: string;
  /** In what the figure was read; absent where no copy of the page showed it. */
  readonly read?: string;
}

const FIRESTORE = 'https://cloud.google.com/firestore/pricing';
const STORAGE = 'https://cloud.google.com/storage/pricing';
const RUN = 'https://cloud.google.com/run/pricing';
const TEBIBYTE = 2 ** 40;
const GIBIBYTE = 2 ** 30;

const usd = (amount: number, per: number, of: string, source: string, read?: string): Price => ({
  usd: amount,
  per,
  of,
  source,
  ...(read !== undefined && { read }),
});

/** Where the database is: in one region, or in several (`eur3`, `nam5`). */
export const FIRESTORE_PRICES = {
  'one region': {
    write: usd(0.09, 100_000, 'document writes, US regions', FIRESTORE, SECONDARY),
    read: usd(0.03, 100_000, 'document reads, US regions', FIRESTORE, SECONDARY),
    delete: usd(0.01, 100_000, 'document deletes, US regions', FIRESTORE),
  },
  'multi-region': {
    write: usd(0.18, 100_000, 'document writes, multi-region', FIRESTORE, COPY),
    read: usd(0.06, 100_000, 'document reads, multi-region', FIRESTORE, COPY),
    delete: usd(0.02, 100_000, 'document deletes, multi-region', FIRESTORE, COPY),
  },
} as const;
export type Location = keyof typeof FIRESTORE_PRICES;

export const PRICES = {
  messages: usd(
    40,
    TEBIBYTE,
    'bytes of Pub/Sub throughput',
    'https://cloud.google.com/pubsub/pricing',
    'a copy of 2026-09-20',
  ),
  requests: usd(0.4, 1_000_000, 'Cloud Run requests', RUN, COPY),
  cpu: usd(0.000024, 1, 'vCPU-seconds of Cloud Run', RUN, COPY),
  memory: usd(0.0000025, 1, 'GiB-seconds of Cloud Run', RUN, COPY),
  logs: usd(
    0.5,
    GIBIBYTE,
    'bytes of Cloud Logging',
    'https://cloud.google.com/stackdriver/pricing',
  ),
  objectWrites: usd(0.005, 1_000, 'Cloud Storage class A operations', STORAGE, COPY),
} as const;

/** What others charge for one step of a workflow, as they count it. */
export const OTHERS = [
  {
    name: 'Google Cloud Workflows',
    counts: 'one external step: an HTTP call outside Google Cloud',
    price: usd(0.025, 1_000, 'external steps', 'https://cloud.google.com/workflows/pricing'),
  },
  {
    name: 'Google Cloud Workflows',
    counts: 'one internal step: a call of a function on `run.app`',
    price: usd(0.01, 1_000, 'internal steps', 'https://cloud.google.com/workflows/pricing'),
  },
  {
    name: 'AWS Step Functions, Standard',
    counts: 'one state transition',
    price: usd(
      0.025,
      1_000,
      'state transitions',
      'https://aws.amazon.com/step-functions/pricing/',
      COPY,
    ),
  },
  {
    name: 'Temporal Cloud',
    counts: 'one action: an activity; starting the workflow is another',
    price: usd(
      50,
      1_000_000,
      'actions, the first tier',
      'https://temporal.io/pricing',
      'a copy of 2026-07-02',
    ),
  },
] as const;
