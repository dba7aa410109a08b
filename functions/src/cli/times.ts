const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** `2.5 s`, `3 min`, `30 d`: the largest unit that fits, with one decimal where it says more. */
export function duration(ms: number): string {
  const unit = UNITS.find(([, size]) => Math.abs(ms) >= size);
  if (!unit) return `${Math.round(ms)} ms`;
  const [name, size] = unit;
  return `${Math.round((ms / size) * 10) / 10} ${name}`;
}

/** `2026-01-31 03:04:05.678Z`: UTC, so that it can be compared with any log. */
export function moment(at: number): string {
  return new Date(at).toISOString().replace('T', ' ');
}

/** The moment, and how far from now: `… (12 s ago)`, `… (in 3 min)`. */
export function momentAndAge(at: number, now: number): string {
  return `${moment(at)} (${age(at, now)})`;
}

export function age(at: number, now: number): string {
  return at <= now ? `${duration(now - at)} ago` : `in ${duration(at - now)}`;
}

const SIZES: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Milliseconds of `30s`, `90min`, `12h`, `7d`; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,9}) ?(ms|s|m|min|h|d)$/.exec(text.trim()) ?? [];
  const size = SIZES[unit ?? ''];
  return digits === undefined || size === undefined ? undefined : Number(digits) * size;
}
