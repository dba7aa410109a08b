/** `agent-once/firestore`: everything in Firestore. */
export { firestoreEvents } from './events.ts';
export { firestoreLogicalTime } from './logical-time.ts';
export { firestoreState } from './state.ts';
export { firestoreStore } from './store.ts';
