import { isDeepStrictEqual } from 'node:util';
import type { AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import { isSameUser } from '../aws/users.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import { toPropertyName } from '../runtime/schema-validation.ts';
import type { Model, Request } from '../schema.ts';

/** CloudFormation replaces the key for these by itself; other callers have to be told. */
export function refuseReplacement(
  { model, previousModel }: Request,
  record: StoredRecord | undefined,
  accessKey: AccessKey,
): void {
  // A record without a user is one that somebody wrote over: it says nothing.
  const known = record?.userName === undefined ? undefined : record;
  const before: Model = known ?? { userName: accessKey.userName, ...previousModel };
  for (const name of ['userName', 'serial', 'secretId', 'secretKeys', 'sesRegion'] as const) {
    const [from, to] = [before[name], model[name]];
    const isUnchanged = to === undefined || isDeepStrictEqual(to, from);
    const isOwner = name === 'userName' && isSameUser(model.userName, accessKey.userName);
    const isUnknown = !known && from === undefined;
    if (isUnchanged || isOwner || isUnknown) continue;
    // The names of fields are not quoted: somebody may have taken SecretKeys for the place of a secret.
    const isObject = typeof to === 'object' || typeof from === 'object';
    const change = isObject ? '' : `from ${from ?? '(none)'} to ${to} `;
    throw new HandlerError(
      'NotUpdatable',
      `updating access key ${model.id}: ${toPropertyName(name)} cannot change ${change}without a new key`,
    );
  }
}
