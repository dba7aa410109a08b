import { seededRandom } from '../support/seeded-random.ts';

/** All chance in a run comes from here, so that a seed is a whole run. */
export interface Dice {
  /** From 0 to below 1. */
  random(): number;
  chance(probability: number): boolean;
  between(from: number, to: number): number;
  /** A whole number from `from` to `to`, both included. */
  whole(from: number, to: number): number;
  pick<T>(choices: readonly T[]): T;
}

export function rollDice(seed: number): Dice {
  const random = seededRandom(seed);
  const between = (from: number, to: number): number => from + random() * (to - from);
  return {
    random,
    between,
    chance: (probability) => random() < probability,
    whole: (from, to) => Math.floor(between(from, to + 1)),
    pick<T>(choices: readonly T[]): T {
      const chosen = choices[Math.floor(random() * choices.length)];
      if (chosen === undefined) throw new RangeError('There is nothing to pick from.');
      return chosen;
    },
  };
}
