import type { SecretVersions } from '../aws/secret-versions.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { Request } from '../schema.ts';
import { hasTags } from './patterns.ts';

/**
 * Refuses a secret that no new version is to be put into.
 *
 * @throws HandlerError InvalidRequest for one that is not there, not in the stack's account and Region or
 *   scheduled for deletion; AccessDenied where the type configuration does not admit it.
 */
export async function refuseSecretOutOfScope(
  { model, accountId, region, typeConfiguration }: Request,
  secretVersions: SecretVersions,
): Promise<void> {
  const secret = await secretVersions.find();
  const [, , , secretRegion, secretAccount] = secret?.arn.split(':') ?? [];
  const isHere = secretRegion === region && [secretAccount, undefined].includes(accountId);
  if (!secret || !isHere) {
    throw new HandlerError(
      'InvalidRequest',
      `SecretId ${model.secretId} names no secret in this account and Region, or one that is scheduled for deletion`,
    );
  }
  const { requiredSecretTags = [] } = typeConfiguration;
  if (hasTags(secret.tags, requiredSecretTags)) return;
  throw new HandlerError(
    'AccessDenied',
    `secret ${model.secretId} is out of scope: the type configuration's RequiredSecretTags does not admit it`,
  );
}
