import type { StoredRecord } from '../aws/records.ts';
import type { Request } from '../schema.ts';

/** Whether the record is that of a key which the same stack made for the same logical id. */
export function isOfSameResource(
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
