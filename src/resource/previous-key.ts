import { byId, isYoung, notFound, toIds, toStatus, type AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { poll } from '../aws/waiting.ts';
import { ifFound } from '../runtime/progress-event.ts';
import type { PreviousKey, Request } from '../schema.ts';
import { isOfSameResource } from './ownership.ts';

/**
 * The key before, which lives on while its holders change over.
 *
 * The new key's record names it, and its own record names the new key as its successor. Where
 * CloudFormation deletes it, it is superseded: gone for CloudFormation, and its successor's to switch
 * off and to delete. Nothing is done to it that its successor's record does not bear out.
 */
export interface Previous {
  readonly accessKey: AccessKey;
  /** False until CloudFormation deletes it, and for good where it retains it. */
  readonly isSuperseded: boolean;
}

export interface KeyWithRecord {
  readonly accessKeyId: string;
  readonly record: StoredRecord;
}

type Records = ReadonlyMap<string, StoredRecord>;

/**
 * The key that is replaced with the one of this request: of the same resource, the newest. Without a
 * stack, only a higher Serial tells a replacement from another resource for the same secret.
 */
export function findReplaced(
  request: Request,
  accessKeys: readonly AccessKey[],
  records: Records,
): KeyWithRecord | undefined {
  const superseded = findSuperseded(request, accessKeys, records);
  const [newest] = accessKeys
    .filter((accessKey) => !superseded.includes(accessKey))
    .filter(({ accessKeyId }) => isReplaceable(request, records.get(accessKeyId)))
    .sort((one, other) => (isEarlier(one, other) ? 1 : -1));
  const record = newest && records.get(newest.accessKeyId);
  return record && { accessKeyId: newest.accessKeyId, record };
}

/** What is the previous key of the one that CloudFormation replaces. */
export function findSuperseded(
  request: Request,
  accessKeys: readonly AccessKey[],
  records: Records,
): AccessKey[] {
  return accessKeys.filter(({ accessKeyId }) => {
    const { isSuperseded, successorId = '' } = records.get(accessKeyId) ?? {};
    const successor = byId(accessKeys, successorId) && records.get(successorId);
    const isBorneOut = isProvenOf(request, successor) && successor.previousKeyId === accessKeyId;
    return isSuperseded && isBorneOut;
  });
}

function isReplaceable(request: Request, record: StoredRecord | undefined): boolean {
  if (!isProvenOf(request, record)) return false;
  const { stackId, model } = request;
  return stackId !== undefined || (model.serial ?? -1) > (record.serial ?? -1);
}

function isProvenOf(request: Request, record: StoredRecord | undefined): record is StoredRecord {
  return record !== undefined && !record.isOverwritten && isOfSameResource(request, record);
}

/** IAM's dates are whole seconds: the ids tell keys of one second apart. */
export function isEarlier(one: AccessKey, other: AccessKey): boolean {
  const difference = one.createDate.getTime() - other.createDate.getTime();
  return difference < 0 || (difference === 0 && one.accessKeyId < other.accessKeyId);
}

/** The key before this one, while it lives. */
export async function findPrevious(
  { accessKeyId, userName }: AccessKey,
  record: StoredRecord | undefined,
  services: Services,
): Promise<Previous | undefined> {
  if (record?.previousKeyId === undefined) return undefined;
  const [accessKey, superseded] = await Promise.all([
    services.accessKeys.find(userName, record.previousKeyId),
    findSupersededBy(accessKeyId, record, services),
  ]);
  return accessKey && { accessKey, isSuperseded: superseded !== undefined };
}

/**
 * The key before a new one, as the CREATE of that one is to leave it.
 *
 * @param listed the user's keys.
 * @returns what AWS does not show yet, in words; undefined where no key is to live on.
 */
export async function findPreviousOfNew(
  accessKeyId: string,
  { previousKeyId = '', previousKey }: StoredRecord,
  listed: readonly AccessKey[],
  { records }: Services,
): Promise<Previous | string | undefined> {
  const accessKey = byId(listed, previousKeyId);
  if (!accessKey) return undefined;
  const record = await records.find(previousKeyId);
  if (record?.successorId !== accessKeyId)
    return `Parameter Store does not return ${records.nameOf(previousKeyId)} as it is`;
  const isSuperseded = record.isSuperseded === true;
  const isToBeOff = isSuperseded && previousKey === 'Inactive';
  if (isToBeOff && accessKey.status === 'Active')
    return 'IAM does not list the previous key as Inactive';
  return { accessKey, isSuperseded };
}

/** What PreviousKey is: while the previous key is its successor's, its state; else what was declared. */
export function toPreviousKey(
  { previousKey, previousKeyId }: Pick<StoredRecord, 'previousKey' | 'previousKeyId'>,
  previous: Previous | undefined,
): PreviousKey | undefined {
  if (previous?.isSuperseded) return toStatus(previous.accessKey);
  const isGone = previousKeyId !== undefined && !previous;
  return isGone ? 'Deleted' : previousKey;
}

/** @returns the record of the previous key, where both records say that it is superseded. */
export async function findSupersededBy(
  accessKeyId: string,
  { previousKeyId = '', isOverwritten }: StoredRecord,
  { records }: Services,
): Promise<StoredRecord | undefined> {
  const [previous, proven] = await Promise.all([
    records.find(previousKeyId),
    isOverwritten ? records.findAllProven([accessKeyId]) : undefined,
  ]);
  const isProven = !(proven?.get(accessKeyId)?.isOverwritten ?? isOverwritten);
  const isSuperseded = previous?.isSuperseded && previous.successorId === accessKeyId;
  return isProven && isSuperseded ? previous : undefined;
}

/** @throws HandlerError NotFound for a key that its successor has as its previous one. */
export async function refuseSuperseded(
  accessKeyId: string,
  record: StoredRecord | undefined,
  services: Services,
): Promise<void> {
  if (!record?.isSuperseded) return;
  if (await findSuccession(accessKeyId, record, services, 0)) throw notFound(accessKeyId);
}

interface Succession {
  readonly accessKey: AccessKey;
  readonly successorId: string;
  readonly previousKey: PreviousKey;
}

/** The key and its successor, where both live. */
export async function findSuccession(
  accessKeyId: string,
  { userName = '', successorId }: StoredRecord,
  services: Services,
  patienceMs: number,
): Promise<Succession | undefined> {
  if (successorId === undefined) return undefined;
  const { records } = services;
  const found = await poll(patienceMs, async () => {
    const listed = await listBeside(accessKeyId, userName, services);
    const accessKey = byId(listed, accessKeyId);
    if (!accessKey) return {};
    const others = new Set([...toIds(listed), successorId]);
    others.delete(accessKeyId);
    const recordsOfOthers = await records.findAllProven([...others]);
    for (const [id, { isOverwritten, previousKeyId, previousKey, kmsFailure }] of recordsOfOthers) {
      if (kmsFailure && id === successorId) throw kmsFailure;
      const isSuccessor = !isOverwritten && previousKeyId === accessKeyId;
      if (isSuccessor && byId(listed, id))
        return {
          succession: { accessKey, successorId: id, previousKey: previousKey ?? 'Deleted' },
        };
      // Its record stands: IAM may not list it yet.
      if (isSuccessor) return undefined;
    }
    const successor = byId(listed, successorId);
    const isLate = successor && isYoung(successor) && !recordsOfOthers.has(successorId);
    return isLate ? undefined : {};
  });
  return found?.succession;
}

/** The keys of the key's user, who may have been renamed since; none where there is no such key. */
async function listBeside(
  accessKeyId: string,
  userName: string,
  { accessKeys, accessKeyOwner }: Services,
): Promise<AccessKey[]> {
  const listed = (await ifFound(accessKeys.list(userName))) ?? [];
  if (byId(listed, accessKeyId)) return listed;
  const owner = await accessKeyOwner.find(accessKeyId);
  return owner === undefined ? [] : ((await ifFound(accessKeys.list(owner))) ?? []);
}
