/** The time of the next local event. */
export function tick(local: number): number {
  return next(checked('local', local));
}

/** The time of receiving a message that carries `received`: later than it, and than all before. */
export function receive(local: number, received: number): number {
  return next(Math.max(checked('local', local), checked('received', received)));
}

function next(time: number): number {
  if (time < Number.MAX_SAFE_INTEGER) return time + 1;
  throw new RangeError(
    `Logical time is at its end (${time}). No run of ticks gets there: some message carried a forged ` +
      'time. Refuse that message, and start again from the last time recorded in the store.',
  );
}

function checked(which: 'local' | 'received', time: number): number {
  if (Number.isSafeInteger(time) && time >= 0) return time;
  throw new RangeError(
    `The ${which} logical time must be an integer from 0 to ${Number.MAX_SAFE_INTEGER}, not ${time}.`,
  );
}
