const LOOK = Symbol('look');

interface WatchfulSignal extends AbortSignal {
  [LOOK]: () => void;
}

const plain = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted');

/**
 * One prototype for all: an accessor of each signal's own would give it a hidden class of its own, which
 * keeps all that its lease refers to until a full collection.
 */
const prototype: object = Object.create(AbortSignal.prototype, {
  aborted: {
    get(this: WatchfulSignal): boolean {
      this[LOOK]();
      return hasAborted(this);
    },
  },
  throwIfAborted: {
    value(this: WatchfulSignal): void {
      if (this.aborted) throw this.reason;
    },
  },
});

/**
 * Has the signal call `look`, which may abort it, whenever someone reads whether it has aborted: a frozen
 * process misses its timers.
 */
export function makeWatchful(signal: AbortSignal, look: () => void): void {
  Object.setPrototypeOf(Object.assign(signal, { [LOOK]: look }), prototype);
}

/** Whether the signal has aborted by now, without a look. */
export function hasAborted(signal: AbortSignal): boolean {
  return plain?.get?.call(signal) === true;
}
