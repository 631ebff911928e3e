import type { StoredRecord } from '../aws/records.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { Request } from '../schema.ts';
import { isOfSameResource } from '../resource/ownership.ts';

/**
 * A serial says which of two keys of one resource is the newer; without one nothing is said. It need
 * not rise where the user's spelling or the secret changes, which replaces the key by itself.
 *
 * @param records of the user's keys, by access key id.
 */
export function refuseSerial(request: Request, records: ReadonlyMap<string, StoredRecord>): void {
  const { model, logicalResourceId } = request;
  for (const [accessKeyId, record] of records) {
    if (!isOfSameResource(request, record) || record.serial === undefined) continue;
    if (record.userName !== model.userName || record.secretId !== model.secretId) continue;
    if ((model.serial ?? -1) > record.serial) continue;
    throw new HandlerError(
      'InvalidRequest',
      `creating access key for user ${model.userName}: Serial ${model.serial ?? '(none)'} is not higher than ` +
        `Serial ${record.serial} of ${logicalResourceId}'s access key ${accessKeyId}; increment it to rotate the key`,
    );
  }
}
