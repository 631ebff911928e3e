import { toStatus, type AccessKey } from '../aws/access-keys.ts';
import type { Services } from '../aws/services.ts';
import type { PreviousKey, Status } from '../schema.ts';

/** What an UPDATE makes of a key's status. */
export interface StatusChange {
  readonly accessKey: AccessKey;
  readonly status: Status;
  /** Whether IAM is told. */
  readonly isSent: boolean;
}

/**
 * A key that somebody switched off by hand stays off, unless the template itself goes to Active.
 *
 * @param before what the template said; undefined where nobody says.
 */
export function toStatusChange(
  accessKey: AccessKey,
  before: PreviousKey | undefined,
  status: Status,
): StatusChange {
  const shown = toStatus(accessKey);
  if (status === 'Active' && (before ?? shown) === 'Active')
    return { accessKey, status: shown, isSent: false };
  const isChanged = (before ?? shown) !== status || shown !== status;
  return { accessKey, status, isSent: isChanged && accessKey.status !== 'Expired' };
}

export async function send(
  { accessKey, status, isSent }: StatusChange,
  { accessKeys }: Services,
): Promise<void> {
  if (isSent) await accessKeys.update(accessKey.userName, accessKey.accessKeyId, status);
}
