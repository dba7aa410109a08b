export const LEASE_MS = 8_000;
/** Longer than a request may be on its way, heartbeat and all: who is cut off may not notice in time. */
export const LONG_LEASE_MS = 18_000;
