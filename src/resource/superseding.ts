import { byId, notFound, type AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { isSameUser } from '../aws/users.ts';
import { PATIENCE, poll } from '../aws/waiting.ts';
import type { PreviousKey } from '../schema.ts';
import {
  findSuccession,
  findSupersededBy,
  toPreviousKey,
  type KeyWithRecord,
  type Previous,
} from './previous-key.ts';
import { takeAwayWhole, type Target } from './removal.ts';
import { send, type StatusChange } from './status-change.ts';

/**
 * Lets the key live on where its successor wants it to. Its record says so last: until then, whoever
 * deletes the key again finishes this.
 *
 * @returns false where the key is to be deleted.
 * @throws HandlerError NotFound where it was superseded before.
 */
export async function supersede(
  accessKeyId: string,
  record: StoredRecord,
  services: Services,
): Promise<boolean> {
  const succession = await findSuccession(accessKeyId, record, services, PATIENCE.unknown);
  if (!succession) return false;
  if (record.isSuperseded) throw notFound(accessKeyId);
  const { accessKey, successorId, previousKey } = succession;
  if (previousKey === 'Deleted') return false;
  if (previousKey === 'Inactive' && accessKey.status === 'Active')
    await services.accessKeys.update(accessKey.userName, accessKeyId, 'Inactive');
  await services.records.change(accessKeyId, record, { successorId, isSuperseded: true });
  // A later DELETE of the successor must find this. One that ran beside this one has not found it.
  await poll(
    PATIENCE.unknown,
    async () => (await services.records.find(accessKeyId))?.isSuperseded,
  );
  const successor = await poll(PATIENCE.listing, () =>
    services.accessKeys.find(accessKey.userName, successorId),
  );
  return successor !== undefined;
}

/**
 * Names the successor in the record of the key that is to live on. One that was superseded before, by
 * a key that is gone, CloudFormation does not delete again: here it is switched off.
 */
export async function nameSuccessor(
  { accessKeyId, record }: KeyWithRecord,
  successor: AccessKey,
  previousKey: PreviousKey | undefined,
  { accessKeys, records }: Services,
): Promise<void> {
  if (record.isSuperseded && previousKey === 'Inactive')
    await accessKeys.update(successor.userName, accessKeyId, 'Inactive');
  await records.change(accessKeyId, record, { successorId: successor.accessKeyId });
}

/**
 * Takes the previous key away, and what an earlier removal of it may have left.
 *
 * @returns whether there was anything to be taken away.
 */
export async function takePreviousAway(
  accessKeyId: string,
  record: StoredRecord,
  services: Services,
): Promise<boolean> {
  const { previousKeyId } = record;
  if (previousKeyId === undefined) return false;
  const superseded = await findSupersededBy(accessKeyId, record, services);
  if (superseded) await takeAwayWhole(toTarget(previousKeyId, superseded), services);
  return superseded !== undefined;
}

/**
 * The previous key of the one that is replaced makes room for the new one.
 *
 * @returns whether IAM may take a while to see it: an earlier attempt may have made the room.
 */
export async function makeRoom(
  replaced: KeyWithRecord | undefined,
  accessKeys: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
  services: Services,
): Promise<boolean> {
  if (!replaced) return false;
  const { accessKeyId, record } = replaced;
  const { previousKeyId = '' } = record;
  if (await takePreviousAway(accessKeyId, record, services)) return true;
  return byId(accessKeys, previousKeyId) !== undefined && !records.has(previousKeyId);
}

function toTarget(accessKeyId: string, { userName, secretId }: StoredRecord): Target {
  return {
    accessKeyId,
    userName,
    secretId,
    isSecretUncertain: true,
    isDescribed: true,
    isRecorded: true,
    hasIntent: false,
    isConfirmed: false,
  };
}

/**
 * Makes of the previous key what PreviousKey says. Where there is none, or none that CloudFormation has
 * given up, only the record remembers it.
 *
 * @param declared PreviousKey, where the template has it.
 * @param change of the status of a superseded key that is to live.
 * @returns the record as it is then.
 */
export async function setPreviousKey(
  { accessKeyId, userName }: AccessKey,
  record: StoredRecord,
  previous: Previous | undefined,
  declared: PreviousKey | undefined,
  change: StatusChange | undefined,
  services: Services,
): Promise<StoredRecord> {
  const isDeleted = (declared ?? 'Deleted') === 'Deleted';
  if (change) await send(change, services);
  const missing = isDeleted || previous ? undefined : record.previousKeyId;
  // IAM may name a key of the user that it does not list at the moment: that one is not gone.
  const owner = missing === undefined ? undefined : await services.accessKeyOwner.find(missing);
  if (owner !== undefined && isSameUser(owner, userName)) return record;
  // Of one that somebody deleted by hand there may be a record, which nobody else knows.
  if (isDeleted || !previous) await takePreviousAway(accessKeyId, record, services);
  const shown = toPreviousKey(record, previous);
  const isShown = shown === declared || (shown === 'Deleted' && declared === undefined);
  if (previous?.isSuperseded || isShown) return record;
  const changed = { previousKey: declared, previousKeyId: previous?.accessKey.accessKeyId };
  await services.records.change(accessKeyId, record, changed);
  return { ...record, ...changed };
}
