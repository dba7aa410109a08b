import { z } from 'zod';
import { behindIam, onCloudRun } from './cloud-run.ts';
import { fault, read, text } from './settings.ts';
import type { Environment } from './settings.ts';

/** Who may push; `off` where an emulator pushes, which can't prove who it is. */
export type PushVerification =
  | {
      readonly verify: 'oidc';
      readonly audience: string;
      readonly serviceAccount: string;
      readonly verifiedByIam?: true;
    }
  | { readonly verify: 'off' };

const PUSH = z.object({
  AGENT_ONCE_PUSH_AUDIENCE: text(
    /^\S+$/,
    "the audience of the push subscription's OIDC tokens, often its endpoint's URL",
  ),
  AGENT_ONCE_PUSH_SERVICE_ACCOUNT: text(
    /^[^@\s]+@[^@\s]+$/,
    'the e-mail address of the service account that the push subscription signs as',
  ),
});

export function readPush(given: Environment, faults: string[]): PushVerification | undefined {
  const emulator = given['PUBSUB_EMULATOR_HOST'];
  if (emulator === undefined) {
    const values = read(PUSH, given, faults);
    if (!values) return undefined;
    const { AGENT_ONCE_PUSH_AUDIENCE: audience, AGENT_ONCE_PUSH_SERVICE_ACCOUNT: serviceAccount } =
      values;
    return { verify: 'oidc', audience, serviceAccount, ...behindIam(given) };
  }
  if (onCloudRun(given)) {
    const expected = 'unset on Cloud Run, where it would let anyone push';
    faults.push(fault('PUBSUB_EMULATOR_HOST', emulator, expected));
  }
  return { verify: 'off' };
}
