import { describe, toIds, type AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { PATIENCE } from '../aws/waiting.ts';
import { findReplaced, findSuperseded, isEarlier } from '../resource/previous-key.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { Request } from '../schema.ts';

/**
 * Refuses a key more than MaxKeysPerUser. The one that a rotation replaces does not count, nor the
 * previous key of that one. More than two keys IAM itself refuses.
 *
 * @param accessKeys the user's keys, without the one that is being made.
 */
export function refuseOneMore(
  request: Request,
  accessKeys: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
): void {
  const others = findCounted(request, accessKeys, records);
  const { maxKeysPerUser } = request.typeConfiguration;
  if (maxKeysPerUser > 1 || others.length < maxKeysPerUser) return;
  throw tooMany(request, others);
}

/**
 * Of two keys that are made at once, the later one gives way, and the earlier one waits until it has:
 * only a look at what was made meanwhile can hold MaxKeysPerUser for two resources. In the same second
 * the ids decide, and the one whose CREATE had ended before does not give way.
 *
 * @param own the key that was just made.
 * @param listed the user's keys with it.
 * @param known the ids of those that were let pass before it was made.
 * @returns whether there still is another one to wait for.
 * @throws HandlerError ServiceLimitExceeded for the later one, and for one that waits in vain.
 */
export async function refuseLaterOne(
  request: Request,
  own: AccessKey,
  listed: readonly AccessKey[],
  known: readonly string[],
  { records }: Services,
): Promise<boolean> {
  const others = listed.filter(({ accessKeyId }) => accessKeyId !== own.accessKeyId);
  const isAlone = others.every(({ accessKeyId }) => known.includes(accessKeyId));
  if (request.typeConfiguration.maxKeysPerUser > 1 || isAlone) return false;
  const counted = findCounted(request, others, await records.findAllProven(toIds(others)));
  const hasWaited = Date.now() - own.createDate.getTime() > PATIENCE.rival;
  if (counted.length > 0 && (hasWaited || counted.some((other) => isEarlier(other, own))))
    throw tooMany(request, counted);
  return counted.length > 0;
}

function findCounted(
  request: Request,
  accessKeys: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
): AccessKey[] {
  const replaced = findReplaced(request, accessKeys, records);
  const superseded = findSuperseded(request, accessKeys, records);
  return accessKeys.filter(
    (each) => each.accessKeyId !== replaced?.accessKeyId && !superseded.includes(each),
  );
}

function tooMany({ model, typeConfiguration }: Request, others: readonly AccessKey[]) {
  return new HandlerError(
    'ServiceLimitExceeded',
    `creating access key for user ${model.userName}: the type configuration's MaxKeysPerUser ` +
      `is ${typeConfiguration.maxKeysPerUser} and the user has ${describe(others)}`,
  );
}
