import { describe, type AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { Request } from '../schema.ts';
import { isOfSameResource } from './same-resource.ts';

/** The key that a rotation replaces does not count. More than two keys IAM itself refuses. */
export function refuseOneMore(
  request: Request,
  accessKeys: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
): void {
  const { maxKeysPerUser } = request.typeConfiguration;
  const others = accessKeys.filter(({ accessKeyId }) => {
    const record = records.get(accessKeyId);
    return !record || !isOfSameResource(request, record);
  });
  if (maxKeysPerUser > 1 || others.length < maxKeysPerUser) return;
  throw new HandlerError(
    'ServiceLimitExceeded',
    `creating access key for user ${request.model.userName}: the type configuration's MaxKeysPerUser ` +
      `is ${maxKeysPerUser} and the user has ${describe(others)}`,
  );
}
