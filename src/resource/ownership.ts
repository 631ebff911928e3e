import type { AccessKey } from '../aws/access-keys.ts';
import type { StoredIntent } from '../aws/intents.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { isSameUser } from '../aws/users.ts';
import { AGE, PATIENCE } from '../aws/waiting.ts';
import type { Request } from '../schema.ts';

/** Whether the record is that of a key which the same stack made for the same logical id. */
export function isMadeByStack(
  { stackId, logicalResourceId }: Request,
  record: StoredRecord,
): boolean {
  return (
    stackId !== undefined &&
    logicalResourceId !== undefined &&
    record.stackId === stackId &&
    record.logicalResourceId === logicalResourceId
  );
}

/**
 * Whether the user's key with this record and the one of the request are keys of one resource. Cloud
 * Control API sends no stack: what tells its resources apart is the secret that their keys go into.
 * Whoever passes another's key off as the earlier one of their own gets nothing for it: the new key
 * goes to the readers of that secret alone.
 */
export function isOfSameResource(request: Request, record: StoredRecord): boolean {
  const { stackId, model } = request;
  if (stackId !== undefined) return isMadeByStack(request, record);
  const isOfSameSecret = model.secretId !== undefined && record.secretId === model.secretId;
  return isOfSameSecret && record.stackId === undefined;
}

/**
 * What belongs to another request says nothing to this one, whoever wrote it. SecretKeys and SesRegion
 * do not say whose a key is: one that was made with others is still this request's, and the only one.
 */
export function isOfRequest(
  { model, stackId, logicalResourceId }: Request,
  found: StoredIntent | StoredRecord | undefined,
): boolean {
  return (
    isSameUser(found?.userName, model.userName ?? '') &&
    found?.stackId === stackId &&
    found?.logicalResourceId === logicalResourceId &&
    found?.secretId === model.secretId
  );
}

/** Whether this very request, in this or an earlier attempt, has written the record. */
export function isRecordOfRequest(request: Request, record: StoredRecord | undefined): boolean {
  const isOfToken = record?.clientRequestToken === request.clientRequestToken;
  return isOfToken && !record.isOverwritten && isOfRequest(request, record);
}

/**
 * The key that this request has made and recorded, complete: with SecretId, one that its secret has.
 */
export async function findKeyOfRequest(
  request: Request,
  accessKeys: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
  services: Services,
): Promise<AccessKey | undefined> {
  const { secretId } = request.model;
  const own = accessKeys.find(({ accessKeyId }) =>
    isRecordOfRequest(request, records.get(accessKeyId)),
  );
  if (!own || secretId === undefined) return own;
  const isDelivered = await services.secretVersions(secretId).has(own.accessKeyId);
  return isDelivered ? own : undefined;
}

/** Whether IAM made the key after the intent stood and in an invocation's time, by AWS's clocks. */
export function wasMadeUnder({ lastModified }: StoredIntent, { createDate }: AccessKey): boolean {
  const age = createDate.getTime() - Math.floor(lastModified.getTime() / 1000) * 1000;
  const latest = AGE.invocation + PATIENCE.lateEffect;
  return age >= -AGE.clockTolerance && age <= latest + AGE.clockTolerance;
}

/** What is older is of no CREATE that can still be undone, whatever a parameter says. */
export function isRecent({ createDate }: AccessKey): boolean {
  return Date.now() - createDate.getTime() < AGE.create;
}
