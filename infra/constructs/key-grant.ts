import { KmsCryptoKeyIamMember } from '@cdktf/provider-google/lib/kms-crypto-key-iam-member/index.js';
import type { ProjectStack, ServiceAgent } from './google-project.ts';

/**
 * Lets Google's services encrypt with the environment's own key: it is they that use it, on the project's
 * behalf. What is encrypted has to wait for the grants; there are none where there is no such key.
 */
export function keyGrants(
  stack: ProjectStack,
  services: readonly ServiceAgent[],
): KmsCryptoKeyIamMember[] {
  const { encryptionKey: cryptoKeyId } = stack.environment.optional;
  if (cryptoKeyId === undefined) return [];
  return services.map(
    (service) =>
      new KmsCryptoKeyIamMember(stack, `key-for-${service}`, {
        cryptoKeyId,
        role: 'roles/cloudkms.cryptoKeyEncrypterDecrypter',
        member: stack.serviceAgent(service),
      }),
  );
}
