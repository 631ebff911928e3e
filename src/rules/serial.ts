import { isDeepStrictEqual } from 'node:util';
import type { StoredRecord } from '../aws/records.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { Request } from '../schema.ts';
import { isOfSameResource } from '../resource/ownership.ts';

/** The user's name as it is spelled. */
const REPLACING = ['userName', 'secretId', 'secretKeys', 'sesRegion'] as const;

/**
 * A serial says which of two keys of one resource is the newer; without one nothing is said. It need
 * not rise where another property changes that replaces the key by itself.
 *
 * @param records of the user's keys, by access key id.
 */
export function refuseSerial(request: Request, records: ReadonlyMap<string, StoredRecord>): void {
  const { model, stackId, logicalResourceId } = request;
  const resource = stackId === undefined ? `secret ${model.secretId}` : logicalResourceId;
  for (const [accessKeyId, record] of records) {
    if (!isOfSameResource(request, record) || record.serial === undefined) continue;
    if (REPLACING.some((name) => !isDeepStrictEqual(record[name], model[name]))) continue;
    if ((model.serial ?? -1) > record.serial) continue;
    throw new HandlerError(
      'InvalidRequest',
      `creating access key for user ${model.userName}: Serial ${model.serial ?? '(none)'} is not higher than ` +
        `Serial ${record.serial} of ${resource}'s access key ${accessKeyId}; increment it to rotate the key`,
    );
  }
}
