import { toStatus, type AccessKey } from '../aws/access-keys.ts';
import { isOfType, type StoredRecord } from '../aws/records.ts';
import { toSecretVersionId } from '../aws/secret-versions.ts';
import { toSesSmtpEndpoint, toSesSmtpPassword } from '../aws/ses-smtp.ts';
import { isSameUser } from '../aws/users.ts';
import type { Model, Request } from '../schema.ts';
import { isMadeByStack } from './ownership.ts';
import { toPreviousKey, type Previous } from './previous-key.ts';

/**
 * What READ returns of a key. One without a record was imported, and its secret is not known; one
 * with a secret in Secrets Manager has it there only.
 */
export function toModel(
  accessKey: AccessKey,
  record: StoredRecord | undefined,
  description: string | undefined,
  request: Request,
  previous: Previous | undefined,
): Model {
  const { accessKeyId } = accessKey;
  const { model } = request;
  const { exposeSecretAccessKey, restrictSecretAccessKeyToStack } = request.typeConfiguration;
  const isOwn = record !== undefined && isMadeByStack(request, record);
  const isShown = exposeSecretAccessKey && (isOwn || !restrictSecretAccessKeyToStack);
  const secretAccessKey = isShown ? record?.secretAccessKey : undefined;
  const region = record?.sesRegion ?? request.region;
  return {
    userName: spelledLike(record?.userName ?? model.userName, accessKey.userName),
    status: toStatus(accessKey),
    previousKey: toPreviousKey((isOfType(record) && record) || model, previous),
    previousKeyId: previous?.accessKey.accessKeyId,
    description,
    sesRegion: record?.sesRegion,
    id: accessKeyId,
    createDate: accessKey.createDate.toISOString(),
    ...(secretAccessKey !== undefined && {
      secretAccessKey,
      sesSmtpPassword: toSesSmtpPassword(secretAccessKey, region),
      sesSmtpEndpoint: toSesSmtpEndpoint(region),
    }),
    ...(record?.secretId !== undefined && {
      secretId: record.secretId,
      secretKeys: record.secretKeys,
      secretVersionId: toSecretVersionId(accessKeyId),
    }),
  };
}

/** The model of an IN_PROGRESS: the template's, write-only properties included, with the identifier. */
export function toPending(
  { serial, status, previousKey, description, secretId, secretKeys, sesRegion, userName }: Model,
  id: string | undefined,
): Model {
  const template = {
    userName,
    serial,
    status,
    previousKey,
    description,
    secretId,
    secretKeys,
    sesRegion,
  };
  return { ...template, id };
}

function spelledLike(spelling: string | undefined, userName: string): string {
  return spelling !== undefined && isSameUser(spelling, userName) ? spelling : userName;
}
