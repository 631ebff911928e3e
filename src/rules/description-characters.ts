import { HandlerError } from '../runtime/progress-event.ts';

/** What the value of a tag may consist of. */
const NO_PART_OF_TAG = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u;

/**
 * The schema's pattern, which has to suit every language that reads it, knows ASCII only.
 *
 * @throws HandlerError InvalidRequest for a description that IAM would not take.
 */
export function refuseDescription(description = ''): void {
  const [sign] = NO_PART_OF_TAG.exec(description) ?? [];
  if (sign === undefined) return;
  throw new HandlerError(
    'InvalidRequest',
    `Description is not valid: it may have letters, digits, spaces and _.:/=+-@, not ${JSON.stringify(sign)}`,
  );
}
