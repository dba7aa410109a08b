/** `agent-once/firestore`: everything in Firestore. */
export { connectFirestore } from './connect.ts';
export type { FirestoreConnection, FirestoreSettings } from './connect.ts';
export { firestoreEvents } from './events.ts';
export { firestoreLogicalTime } from './logical-time.ts';
export { firestoreState } from './state.ts';
export { firestoreStore } from './store.ts';
