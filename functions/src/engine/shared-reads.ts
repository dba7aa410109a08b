/**
 * One read for all who ask the same at once. Nobody is answered by a read that began before it asked: who
 * comes while one is under way shares the next one, so that a caller always sees what it did before.
 */
export function sharedReads<Asked, Value>(
  nameOf: (asked: Asked) => string,
  read: (asked: Asked) => Promise<Value>,
): (asked: Asked) => Promise<Value> {
  interface UnderWay {
    readonly now: Promise<Value>;
    next?: Promise<Value>;
  }
  const underWay = new Map<string, UnderWay>();

  function begin(name: string, asked: Asked): Promise<Value> {
    const reading: UnderWay = { now: read(asked) };
    underWay.set(name, reading);
    const over = () => {
      if (underWay.get(name) === reading && !reading.next) underWay.delete(name);
    };
    reading.now.then(over, over);
    return reading.now;
  }

  return (asked) => {
    const name = nameOf(asked);
    const reading = underWay.get(name);
    if (!reading) return begin(name, asked);
    const next = () => begin(name, asked);
    reading.next ??= reading.now.then(next, next);
    return reading.next;
  };
}
