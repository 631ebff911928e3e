import { isYoung, notFound, toIds, type AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { isSameUser } from '../aws/users.ts';
import { PATIENCE, poll } from '../aws/waiting.ts';
import type { Model } from '../schema.ts';
import { refuseSuperseded } from './previous-key.ts';

interface Resource<T> {
  readonly accessKey: AccessKey;
  /** Undefined for a key that the type did not make. */
  readonly record: StoredRecord | undefined;
  readonly ofUser: T;
}

/**
 * Finds the key by its id. Its record names the user; without one, the model or IAM does.
 *
 * @param askOfUser what else is to be asked of the key's user, at the same time.
 * @throws HandlerError NotFound where there is no such key.
 */
export async function getResource<T>(
  { id: accessKeyId = '', userName }: Model,
  services: Services,
  askOfUser: (userName: string) => Promise<T>,
): Promise<Resource<T>> {
  const { records } = services;
  const record = await records.find(accessKeyId);
  await refuseSuperseded(accessKeyId, record, services);
  const supposedUser = record?.userName ?? userName;
  const [accessKey, ofSupposedUser] = await Promise.all([
    findKey(accessKeyId, supposedUser, services),
    supposedUser === undefined ? undefined : askOfUser(supposedUser),
  ]);
  if (!accessKey) throw notFound(accessKeyId);

  const [late, ofUser] = await Promise.all([
    record ? undefined : records.findLate(accessKey),
    isSameUser(supposedUser, accessKey.userName)
      ? (ofSupposedUser as T)
      : askOfUser(accessKey.userName),
  ]);
  return { accessKey, record: record ?? late, ofUser };
}

/** @param supposedUser whom the key belonged to when it was last seen. */
export async function findKey(
  accessKeyId: string,
  supposedUser: string | undefined,
  { accessKeys, accessKeyOwner }: Services,
): Promise<AccessKey | undefined> {
  const accessKey = supposedUser && (await accessKeys.find(supposedUser, accessKeyId));
  if (accessKey) return accessKey;
  const owner = await accessKeyOwner.find(accessKeyId);
  if (owner === undefined) return undefined;
  const owned = await accessKeys.find(owner, accessKeyId);
  if (owned) return owned;
  // The key was deleted, or its user renamed, a moment ago.
  const activity = `finding the user of access key ${accessKeyId}`;
  const why = new Error(`${activity}: IAM names ${owner}, who does not have it`);
  return accessKeyOwner.search(accessKeyId, why);
}

/**
 * The user's keys with the records of those that have one. The record of a young key may be on its
 * way, and is waited for.
 *
 * @param supposed the ids of the keys that the user is believed to have.
 * @param other the name of a parameter that is read with them: a key is not made where nothing can be.
 */
export async function listWithRecords(
  userName: string,
  supposed: readonly string[],
  other: string,
  { accessKeys, records }: Services,
): Promise<{ accessKeys: AccessKey[]; records: Map<string, StoredRecord> }> {
  const [listed, found] = await Promise.all([
    accessKeys.list(userName),
    records.findAllProven(supposed, other),
  ]);
  const isAwaited = (key: AccessKey) => isYoung(key) && !found.has(key.accessKeyId);
  const missing = listed.filter((key) => !supposed.includes(key.accessKeyId) || isAwaited(key));
  if (missing.length > 0) {
    await poll(PATIENCE.record, async () => {
      for (const [id, record] of await records.findAllProven(toIds(missing))) found.set(id, record);
      return listed.some(isAwaited) ? undefined : true;
    });
  }
  return { accessKeys: listed, records: found };
}
