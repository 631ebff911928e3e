import type { DeletionOutcome } from '../aws/access-keys.ts';
import { isOutcomeUnknown } from '../aws/errors.ts';
import type { Services } from '../aws/services.ts';
import { toSecretVersionId } from '../aws/secret-versions.ts';
import { PATIENCE, poll } from '../aws/waiting.ts';
import { hasErrorCode, HandlerError, ifFound, withHint } from '../runtime/progress-event.ts';
import { findKey } from './find.ts';

/** What there may be of a key. */
export interface Target {
  readonly accessKeyId: string;
  /** Whom the key is believed to belong to. */
  readonly userName: string | undefined;
  readonly secretId: string | undefined;
  /** Whether its record alone names the secret: somebody may have written it there. */
  readonly isSecretUncertain?: boolean;
  readonly isDescribed: boolean;
  readonly isRecorded: boolean;
  /** Whether an intent says what is taken away: the record need not stand for that, too. */
  readonly hasIntent: boolean;
  /** Whether IAM has just named the key. */
  readonly isConfirmed: boolean;
}

export interface Removal {
  /** False where there was nothing of the key. */
  readonly wasThere: boolean;
  /** Whom the key belonged to; undefined where nobody has it or the user is gone. */
  readonly userName: string | undefined;
  /** What could not be removed, in words. */
  readonly leftovers: readonly string[];
  /** Why, for the first of them. */
  readonly error: unknown;
}

type Part = 'version' | 'key' | 'description' | 'record';

interface Deletion {
  readonly outcome: DeletionOutcome;
  readonly userName: string | undefined;
}

/**
 * Takes a key away, for DELETE and for a CREATE that is undone: the readers of its secret get the key
 * before it again; then the key goes, its description and, last, its record. The record is written
 * last and deleted last: while it stands, whoever finds it finishes what was cut short. Only where the
 * user is gone, it goes while IAM is asked whether the key is, too.
 *
 * @param beforeRecord takes away what its record alone tells of.
 */
export async function takeAway(
  target: Target,
  services: Services,
  beforeRecord: () => Promise<void> = () => Promise.resolve(),
): Promise<Removal> {
  const { accessKeyId, isDescribed, isRecorded, hasIntent } = target;
  const { descriptions, records } = services;
  const removed = new Set<Part>();
  const errors: unknown[] = [];
  const remove = async (part: Part, step: () => Promise<void>): Promise<void> => {
    try {
      await step();
      removed.add(part);
    } catch (error) {
      errors.push(error);
    }
  };
  const removeRecord = () =>
    remove('record', async () => {
      await beforeRecord();
      await records.delete(accessKeyId);
    });
  let deletion: Deletion = { outcome: 'absent', userName: target.userName };

  await remove('version', () => retireVersion(target, services));
  if (removed.has('version') || !(await mayBeCurrent(target, services))) {
    await remove('key', async () => {
      const isEarly = isRecorded && errors.length === 0;
      deletion = await deleteKey(target, services, isEarly ? removeRecord : undefined);
    });
  }
  const { outcome, userName } = deletion;
  const wasThere = mayBeDone(outcome) || isRecorded || errors.length > 0;
  if (removed.has('key')) {
    await remove('description', async () => {
      if (isDescribed && userName !== undefined && outcome === 'deleted')
        await descriptions.delete(userName, accessKeyId);
    });
  }
  const isLast = errors.length === 0 || (hasIntent && removed.has('key'));
  if (wasThere && isLast && !removed.has('record')) await removeRecord();

  const unsure = errors.some(isOutcomeUnknown) ? ', if it is there' : '';
  const names: readonly [Part, string][] = [
    ['version', `secret version ${toSecretVersionId(accessKeyId)}`],
    ['key', `access key ${accessKeyId} of user ${target.userName ?? '(unknown)'}${unsure}`],
    ['description', `tag ${accessKeyId} of user ${target.userName ?? '(unknown)'}, if it is there`],
    ['record', `parameter ${records.nameOf(accessKeyId)}, if it is there`],
  ];
  const leftovers = names
    .filter(([part]) => !removed.has(part) && (isDescribed || part !== 'description'))
    .map(([, name]) => name);
  return { wasThere, userName, leftovers: wasThere ? leftovers : [], error: errors[0] };
}

/** @throws HandlerError that names what is left. */
export async function takeAwayWhole(target: Target, services: Services): Promise<void> {
  const { error, leftovers } = await takeAway(target, services);
  if (leftovers.length > 0) throw withLeftovers(error, leftovers);
}

export function withLeftovers(error: unknown, leftovers: readonly string[]): unknown {
  if (leftovers.length === 0) return error;
  return withHint(error, `left behind, delete it: ${leftovers.join('; ')}`);
}

async function retireVersion(
  { accessKeyId, userName, secretId, isSecretUncertain }: Target,
  services: Services,
): Promise<void> {
  if (secretId === undefined) return;
  const isAlive = async (id: string) => (await findKey(id, userName, services)) !== undefined;
  const secret = services.secretVersions(secretId);
  await secret.retire(accessKeyId, isSecretUncertain === true, isAlive);
}

/** A key that readers of the secret get is not deleted under their hands. */
async function mayBeCurrent(
  { accessKeyId, secretId = '' }: Target,
  services: Services,
): Promise<boolean> {
  const versions = services.secretVersions(secretId);
  return versions.isCurrent(accessKeyId).catch(() => true);
}

/**
 * Deletes the key wherever it is: its user may have been renamed.
 *
 * @param withUser is done where the user is gone.
 */
async function deleteKey(
  { accessKeyId, userName, isDescribed, isConfirmed }: Target,
  services: Services,
  withUser?: () => Promise<void>,
): Promise<Deletion> {
  if (isConfirmed && userName !== undefined) {
    return deleteConfirmed(userName, accessKeyId, services);
  }
  const deletion: Deletion =
    userName === undefined
      ? { outcome: 'absent', userName }
      : await deleteKeyOf(userName, accessKeyId, services);
  if (deletion.outcome === 'deleted') return deletion;
  const done = deletion.outcome === 'userless' ? withUser?.() : undefined;
  const [found, hasUser] = await Promise.all([
    findKey(accessKeyId, undefined, services),
    isDescribed && deletion.userName !== undefined
      ? services.descriptions.delete(deletion.userName, accessKeyId)
      : true,
  ]).finally(() => done);
  if (found) return deleteConfirmed(found.userName, accessKeyId, services);
  return hasUser ? deletion : { ...deletion, userName: undefined };
}

/** IAM has named the key: where it says next that there is none, it is not believed. */
async function deleteConfirmed(
  userName: string,
  accessKeyId: string,
  services: Services,
): Promise<Deletion> {
  const deletion = await poll(PATIENCE.unknown, async () => {
    const tried = await deleteKeyOf(userName, accessKeyId, services);
    return mayBeDone(tried.outcome) || tried.userName === undefined ? tried : undefined;
  });
  if (deletion) return { ...deletion, outcome: 'deleted' };
  throw new HandlerError(
    'ServiceInternalError',
    `deleting access key ${accessKeyId} of user ${userName}: IAM named the key and now says that there is none`,
  );
}

function mayBeDone(outcome: DeletionOutcome): boolean {
  return outcome === 'deleted' || outcome === 'unsure';
}

async function deleteKeyOf(
  userName: string,
  accessKeyId: string,
  { accessKeys }: Services,
): Promise<Deletion> {
  try {
    return { outcome: await accessKeys.delete(userName, accessKeyId), userName };
  } catch (error) {
    if (!hasErrorCode(error, 'AccessDenied')) throw error;
    // A role narrowed to a path is denied what concerns a user who is gone, too.
    const listed = await ifFound(accessKeys.list(userName));
    if (listed?.some((accessKey) => accessKey.accessKeyId === accessKeyId)) throw error;
    return listed ? { outcome: 'absent', userName } : { outcome: 'userless', userName: undefined };
  }
}
