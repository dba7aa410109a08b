/** `agent-once/embedded`: everything on this machine, in SQLite. */
export { embeddedEvents } from './events.ts';
export { embeddedLogicalTime } from './logical-time.ts';
export { embeddedState } from './state.ts';
export { embeddedStore } from './store.ts';
