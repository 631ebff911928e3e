import type { Properties } from '../../local/cloudformation.ts';
import { toSesSmtpPassword } from '../../src/aws/ses-smtp.ts';
import { REGION } from '../support/local-type.ts';
import { mark, takeAway, type Account, type Key, type PreviousKey, type User } from './account.ts';

/** Whether its record says of the key before what it said at first. */
function isProven({ record, marks, firstPrevious }: Key): boolean {
  return record === 'kept' && [undefined, firstPrevious].includes(marks.previous);
}

/** Who lets the key live on, or would. */
function successorOf(account: Account, key: Key): Key | undefined {
  if (!key.exists || !key.marks.successor) return undefined;
  return account
    .keysOf(key.owner)
    .find((other) => other !== key && isProven(other) && other.marks.previous === key);
}

/** Whether the key is gone for CloudFormation, and lives on as its successor's. */
export function isSuperseded(account: Account, key: Key): boolean {
  return key.marks.isSuperseded && successorOf(account, key) !== undefined;
}

/** The key before, perhaps only its record, that goes with this one. */
function supersededBy(key: Key): Key | undefined {
  const { previous } = key.marks;
  const { isSuperseded, successor } = previous?.marks ?? {};
  return isProven(key) && isSuperseded && successor === key ? previous : undefined;
}

/** The key before, while it lives. */
function previousOf({ marks: { previous }, owner }: Key): Key | undefined {
  return previous?.exists && previous.owner === owner ? previous : undefined;
}

/** Makes room for the next key. @returns the one that it replaces. */
export function replace(account: Account, user: User, logicalId: string): Key | undefined {
  const proven = account.keysOf(user).filter((key) => isProven(key) && key.logicalId === logicalId);
  const superseded = proven.map(supersededBy);
  const replaced = proven.reverse().find((key) => !superseded.includes(key));
  takeAway(replaced && supersededBy(replaced));
  return replaced;
}

/** @returns how DELETE should end: what it makes of a key that somebody lets live on. */
export function supersede(account: Account, key: Key): 'NotFound' | 'lives on' | 'to be deleted' {
  const successor = successorOf(account, key);
  if (successor && key.marks.isSuperseded) return 'NotFound';
  const previousKey = successor?.marks.previousKey ?? 'Deleted';
  if (!successor || previousKey === 'Deleted') {
    takeAway(supersededBy(key));
    return 'to be deleted';
  }
  if (previousKey === 'Inactive') key.status = previousKey;
  mark(key, { successor, isSuperseded: true });
  return 'lives on';
}

/** What UPDATE makes of the key before. */
export function setPreviousKey(key: Key, previousKey: PreviousKey): void {
  if (key.record !== 'kept') return;
  const previous = previousOf(key);
  const superseded = supersededBy(key);
  // What somebody left of a key that is gone goes, too.
  if (previousKey === 'Deleted' || !previous) takeAway(superseded);
  if (previous && previous === superseded) {
    // What somebody switched off by hand stays off while the template says Active as before.
    const isLeft = previousKey === 'Active' && key.declared.previousKey === 'Active';
    if (previousKey !== 'Deleted' && !isLeft) previous.status = previousKey;
  } else if (shownPreviousKey(key) !== previousKey) {
    mark(key, { previousKey, previous });
  }
}

function shownPreviousKey(key: Key): PreviousKey {
  const { previousKey, previous } = key.marks;
  const living = previousOf(key);
  if (living && living === supersededBy(key)) return living.status;
  return previous && !living ? 'Deleted' : previousKey;
}

/** What READ should return of a key. @param request what was sent: some of it is all that is known. */
export function modelOf(key: Key, request: Properties = {}): Properties {
  const { owner, record, secret, sesRegion } = key;
  const spelled = record === 'kept' ? key.userName : (request.UserName as string | undefined);
  const isSameName = spelled?.toLowerCase() === owner.name.toLowerCase();
  const previous = previousOf(key);
  return {
    UserName: isSameName ? spelled : owner.name,
    Status: key.status,
    PreviousKey: record === 'kept' ? shownPreviousKey(key) : request.PreviousKey,
    ...(previous && { PreviousKeyId: previous.id }),
    Id: key.id,
    CreateDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    ...(record === 'kept' && {
      SecretAccessKey: secret,
      SesSmtpEndpoint: `email-smtp.${sesRegion ?? REGION}.amazonaws.com`,
      SesSmtpPassword: toSesSmtpPassword(secret, sesRegion ?? REGION),
      ...(sesRegion && { SesRegion: sesRegion }),
    }),
  };
}
