/** One way of doing the same work. Every call is a fresh piece of it, never one done before. */
export interface Contender {
  readonly name: string;
  call(): Promise<unknown>;
}

/** A contender that takes the inputs one after the other. */
export function over<Input>(
  name: string,
  inputs: readonly Input[],
  use: (input: Input) => Promise<void>,
): Contender {
  let next = 0;
  return {
    name,
    async call() {
      const input = inputs[next];
      if (input === undefined) throw new Error(`${name} ran out of inputs.`);
      next += 1;
      await use(input);
    },
  };
}

export interface Plan {
  /** Timed calls of each contender. */
  readonly samples: number;
  /** Calls of each before the first that counts. */
  readonly warmUp: number;
}

/** Milliseconds of each call, in the order made, by contender. */
export type Timings = ReadonlyMap<string, readonly number[]>;

const BLOCK = 25;

/**
 * Times contenders one call at a time, taking turns in blocks of 25. The order rotates and alternates, so
 * that whatever else the machine does, and whoever came before, falls on all of them alike.
 */
export async function interleaved(
  contenders: readonly Contender[],
  { samples, warmUp }: Plan,
): Promise<Timings> {
  const timings = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  const blocks = Math.ceil(samples / BLOCK);
  for (const { call } of contenders) {
    for (let done = 0; done < warmUp; done += 1) await call();
  }
  for (let block = 0; block < blocks; block += 1) {
    const from = Math.floor(block / 2) % contenders.length;
    const turned = [...contenders.slice(from), ...contenders.slice(0, from)];
    const order = block % 2 === 0 ? turned : turned.toReversed();
    for (const { name, call } of order) {
      const times = timings.get(name);
      for (let done = 0; done < BLOCK; done += 1) {
        const began = performance.now();
        await call();
        times?.push(performance.now() - began);
      }
    }
  }
  return timings;
}

/** How many calls {@link interleaved} makes of each contender. */
export function callsIn({ samples, warmUp }: Plan): number {
  return Math.ceil(samples / BLOCK) * BLOCK + warmUp;
}

/** Makes `count` calls, `width` of them at any time. Milliseconds that all took. */
export async function atOnce(
  count: number,
  width: number,
  call: () => Promise<unknown>,
): Promise<number> {
  const began = performance.now();
  let left = count;
  async function lane(): Promise<void> {
    while (left > 0) {
      left -= 1;
      await call();
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
  return performance.now() - began;
}

/** Times of both, block by block, in alternating order. The first block of each is warm-up. */
export async function alternating(
  blocks: number,
  runBase: () => Promise<number>,
  runOurs: () => Promise<number>,
): Promise<{ base: number[]; ours: number[] }> {
  await runBase();
  await runOurs();
  const base: number[] = [];
  const ours: number[] = [];
  for (let block = 0; block < blocks; block += 1) {
    if (block % 2 === 0) base.push(await runBase());
    ours.push(await runOurs());
    if (block % 2 === 1) base.push(await runBase());
  }
  return { base, ours };
}

/** The value that half of all are below. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** A ratio of medians, with the lowest and the highest that a third of the samples gives. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export function ratioOf(timings: Timings, name: string, base: string): Ratio {
  return ratioOfSamples(timings.get(name) ?? [], timings.get(base) ?? []);
}

export function ratioOfSamples(samples: readonly number[], base: readonly number[]): Ratio {
  const thirds = [0, 1, 2].map((third) => median(part(samples, third)) / median(part(base, third)));
  return {
    value: median(samples) / median(base),
    low: Math.min(...thirds),
    high: Math.max(...thirds),
  };
}

function part(values: readonly number[], third: number): readonly number[] {
  const from = Math.floor((values.length * third) / 3);
  return values.slice(from, Math.max(from + 1, Math.floor((values.length * (third + 1)) / 3)));
}
