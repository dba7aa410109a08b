import type { Situation } from './count-operations.ts';
import { FIRESTORE_PRICES, LOOKED_UP, OTHERS, PRICES } from './prices.ts';
import type { Location, Price } from './prices.ts';

const MILLION = 1_000_000;
/** Pub/Sub bills a message as at least so many bytes, when it is published and when it is delivered. */
const LEAST_MESSAGE_BYTES = 1_000;
const TRIPS = 2;
/** An assumption, not a measurement: what a task keeps an instance of 1 vCPU and 512 MiB to itself. */
const RUN_SECONDS = 0.1;
const RUN_GIB = 0.5;

const cost = ({ usd, per }: Price, count: number): number => (usd / per) * count;

/** US dollars for a million of them. */
export function costPerMillion(situation: Situation, location: Location): Record<Part, number> {
  const { writes, reads, deletes, messages, messageBytes, logBytes, objects } = situation;
  const firestore = FIRESTORE_PRICES[location];
  const bytes = messages * TRIPS * Math.max(LEAST_MESSAGE_BYTES, messageBytes);
  const run =
    cost(PRICES.requests, 1) +
    cost(PRICES.cpu, RUN_SECONDS) +
    cost(PRICES.memory, RUN_SECONDS * RUN_GIB);
  const parts = {
    firestore:
      cost(firestore.write, writes) + cost(firestore.read, reads) + cost(firestore.delete, deletes),
    pubsub: cost(PRICES.messages, bytes),
    run: messages * run,
    logs: cost(PRICES.logs, logBytes),
    storage: cost(PRICES.objectWrites, objects),
  };
  return Object.fromEntries(
    Object.entries(parts).map(([part, each]) => [part, each * MILLION]),
  ) as Record<Part, number>;
}

type Part = 'firestore' | 'pubsub' | 'run' | 'logs' | 'storage';

const sum = (parts: Readonly<Record<string, number>>): number =>
  Object.values(parts).reduce((total, each) => total + each, 0);
const money = (amount: number): string => `$${amount.toFixed(2)}`;

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const isNumber = head.map((_, column) =>
    rows.every((row) => /^\$?[\d.,]+$/.test(row[column] ?? '')),
  );
  const padded = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    return isNumber[column] ? cell.padStart(width) : cell.padEnd(width);
  };
  const line = (cells: readonly string[]) => `| ${cells.map(padded).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    isNumber[column] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width),
  );
  return [line(head), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n');
}

const count = (number: number): string => String(Number(number.toFixed(3)));

function countsTable(situations: readonly Situation[]): string {
  return table(
    ['', 'writes', 'reads', 'deletes', 'messages', 'objects', 'log bytes'],
    situations.map(({ what, writes, reads, deletes, messages, objects, logBytes }) => [
      what,
      ...[writes, reads, deletes, messages, objects, logBytes].map(count),
    ]),
  );
}

function moneyTable(situations: readonly Situation[], location: Location): string {
  return table(
    ['', 'Firestore', 'Pub/Sub', 'Cloud Run', 'logs', 'Storage', 'together'],
    situations.map((situation) => {
      const parts = costPerMillion(situation, location);
      const { firestore, pubsub, run, logs, storage } = parts;
      return [situation.what, ...[firestore, pubsub, run, logs, storage, sum(parts)].map(money)];
    }),
  );
}

function othersTable(step: Situation): string {
  const own = (Object.keys(FIRESTORE_PRICES) as Location[]).map((location) => [
    `agent-once, ${location}`,
    money(sum(costPerMillion(step, location))),
    'a step run once, with its function, message and log line',
  ]);
  const others = OTHERS.map(({ name, counts, price }) => [
    name,
    money(cost(price, MILLION)),
    `${counts}; what it calls costs extra`,
  ]);
  return table(['', 'a million', 'what is counted'], [...own, ...others]);
}

function sources(): string {
  const all: readonly Price[] = [
    ...Object.values(FIRESTORE_PRICES).flatMap((prices) => Object.values(prices)),
    ...Object.values(PRICES),
    ...OTHERS.map(({ price }) => price),
  ];
  const rows = all.map(({ usd, per, of, source, read }) => [
    of,
    `$${usd}`,
    per === 2 ** 40 ? '1 TiB' : per === 2 ** 30 ? '1 GiB' : per.toLocaleString('en-US'),
    read ?? 'not confirmed',
    source,
  ]);
  return table(['', 'price', 'for', 'read in', 'source'], rows);
}

/** docs/cost.md, whole. */
export function costPage(situations: readonly Situation[]): string {
  const [step] = situations;
  if (!step) throw new RangeError('There is nothing to tell the cost of.');
  return `# What it costs

Written by \`npm run cost\`, which runs the engine on a counting store and multiplies by the price table in
\`scripts/cost/prices.ts\`. Change a price there and run it again. List prices in US dollars, without
free tiers and discounts, without tax.

## What is asked of Google Cloud

Counted, each for one. Writes that are refused are counted as well.

${countsTable(situations)}

## A million of each

With the database in one region:

${moneyTable(situations, 'one region')}

With the database in a multi-region (\`eur3\`, \`nam5\`):

${moneyTable(situations, 'multi-region')}

Counted are Firestore's documents, Pub/Sub's bytes (at least ${LEAST_MESSAGE_BYTES} for each message, once published and once
delivered), requests, log lines and archived objects. Assumed, not measured, is Cloud Run's time: ${RUN_SECONDS * 1_000} ms of an
instance of 1 vCPU and ${RUN_GIB * 1_024} MiB for each task, as if it served nothing else meanwhile. A step that waits long
for its provider costs more, and concurrency (20 by default) divides it. What is stored costs extra: a token
is about 1 KB until it is archived, in Firestore, and a few hundred bytes afterwards until it is forgotten.

The sweep and the archiver's tick cost the same whatever the load: a query for each shard and each of
operations and workflows, at least one read each. With 16 shards and a sweep every minute that is about
1.4 million reads a month.

## Beside others

List prices for a million steps. They count different things and promise different ones, so the figures say
in which order of magnitude each is, and no more.

${othersTable(step)}

## Prices and where they are from

Looked up on ${LOOKED_UP}. Where a figure is not confirmed, no copy of its source that could be had showed it:
look there before you rely on it.

${sources()}
`;
}
