import {
  callersAreVerified,
  erasesBlobsOnly,
  grantsAddOnly,
  noNeedlessProjectRole,
  noPrimitiveRole,
  noPublicPrincipal,
  oneAccountEach,
  storeRoleDeletesNothing,
} from './access.ts';
import type { Policy } from './access.ts';
import { referencesResolve } from './agreement.ts';
import { aDayIsOutlived, bucketsAreLocked, taskTopicsHaveDeadLetters } from './durability.ts';

/** What holds for every environment, whatever its settings. Checked before anything is applied. */
export const POLICIES: Readonly<Record<string, Policy>> = {
  noPublicPrincipal,
  noPrimitiveRole,
  grantsAddOnly,
  noNeedlessProjectRole,
  storeRoleDeletesNothing,
  erasesBlobsOnly,
  oneAccountEach,
  callersAreVerified,
  bucketsAreLocked,
  taskTopicsHaveDeadLetters,
  aDayIsOutlived,
  referencesResolve,
};
