import { setTimeout as sleep } from 'node:timers/promises';
import { byId, toIds, type AccessKey } from '../aws/access-keys.ts';
import { isOutOfTime } from '../aws/errors.ts';
import type { StoredIntent } from '../aws/intents.ts';
import { isSameUser } from '../aws/users.ts';
import { PATIENCE, poll } from '../aws/waiting.ts';
import {
  findKeyOfRequest,
  isOfRequest,
  isRecent,
  isRecordOfRequest,
  wasMadeUnder,
} from '../resource/ownership.ts';
import { takeAwayWhole } from '../resource/removal.ts';
import { HandlerError, isTransient } from '../runtime/progress-event.ts';
import type { Attempt } from './attempt.ts';
import { toRecorded, type In, type State } from './states.ts';

interface Settled {
  /** The key that was recorded: the one to go on with. */
  readonly own?: AccessKey | undefined;
  /** The key that nobody knows. */
  readonly orphan?: AccessKey | undefined;
  /** The keys that are not the next lost one. */
  readonly known: readonly string[];
}

const POLL_INTERVAL_MS = 500;

/** Names the keys of which any may be the orphan. */
export class UnclearOrphan extends HandlerError {}

/** Unsure: goes on with the key that was recorded, or takes away the one that nobody knows. */
export async function clearUp(attempt: Attempt, doubt: In<'Unsure'>): Promise<State> {
  const { services, token } = attempt;
  const { lostAnswers } = doubt;
  const intent = await poll(PATIENCE.intent, () => services.intents.find(token));
  // The attempt that wrote it has ended.
  if (!intent && lostAnswers.length === 0) return { name: 'Fresh' };
  if (!intent) {
    const activity = `reading parameter ${services.intents.nameOf(token)}`;
    throw new HandlerError('ResourceConflict', `${activity}: it is not there any more`);
  }
  const { own, orphan, known } = await settle(attempt, doubt, intent);
  if (!own) {
    const next = attempt.intent(known, orphan?.accessKeyId);
    await services.intents.putNext(token, intent.version, next);
  }
  if (orphan) await takeAwayWhole(attempt.target(orphan.accessKeyId, true), services);
  return own ? toRecorded(own) : { name: 'Claimed', known, lostAnswers };
}

/**
 * Finds out what was made under the intent that stands and nobody learned of.
 *
 * A key is its orphan only if the user did not have it before, IAM made it after the intent stood and
 * in an invocation's time, it has no record by when a sibling would have written one, and it was never
 * used. A single such key is to be discarded. Of several, any may be in use: all are left alone.
 *
 * @throws UnclearOrphan where it cannot be told which key is the orphan.
 */
async function settle(
  attempt: Attempt,
  { known, lostAnswers }: In<'Unsure'>,
  found: StoredIntent,
): Promise<Settled> {
  const { request, services, userName } = attempt;
  const { accessKeys, accessKeyOwner, records } = services;
  const isCallOpen = lostAnswers.length > 0;
  const isOfEarlier = found.attemptId !== attempt.id;
  // One that somebody planted proves nothing.
  const intent = isOfRequest(request, found) ? found : undefined;
  if (!isCallOpen && !intent) return { known: toIds(await accessKeys.list(userName)) };
  if (!isCallOpen && intent && !isOfEarlier) return { known: intent.accessKeyIds };
  const old = new Set([...known, ...(intent?.accessKeyIds ?? [])]);
  if (intent?.discarding !== undefined && isOfEarlier) {
    await finishDiscarding(attempt, intent.discarding);
    old.add(intent.discarding);
  }

  const recorded = new Set<string>();
  let listed: readonly AccessKey[] = [];
  let own: AccessKey | undefined;
  let suspects: readonly AccessKey[] = [];
  const look = async (): Promise<void> => {
    listed = await accessKeys.list(userName);
    const unseen = listed.filter(({ accessKeyId }) => !old.has(accessKeyId));
    const recordsOfUnseen = await records.findAll(toIds(unseen));
    for (const accessKeyId of recordsOfUnseen.keys()) recorded.add(accessKeyId);
    own = await findKeyOfRequest(request, unseen, recordsOfUnseen, services);
    suspects = unseen
      .filter(({ accessKeyId }) => !recorded.has(accessKeyId))
      .filter((accessKey) => !intent || wasMadeUnder(intent, accessKey));
  };
  const lastListing = Date.now() + PATIENCE.lateEffect;
  let deadline = lastListing;
  do {
    await sleep(POLL_INTERVAL_MS);
    const before = suspects;
    try {
      await look();
    } catch (error) {
      if (!isTransient(error) || isOutOfTime(error) || Date.now() > lastListing) throw error;
    }
    if (own && !isCallOpen) return { own, known: [] };
    if (suspects.some(({ accessKeyId }) => !byId(before, accessKeyId)))
      deadline = Date.now() + PATIENCE.sibling;
  } while (Date.now() < deadline);

  const lastUses = suspects.map((each) => accessKeyOwner.findLastUse(each.accessKeyId));
  const wasUsed = (await Promise.all(lastUses)).map((lastUse) => lastUse?.wasUsed);
  const unused = suspects.filter((_, index) => !wasUsed[index]);
  if (unused.length > (intent ? 1 : 0)) throw unclear(userName, unused);
  return { own, orphan: unused[0], known: [...old.union(new Set(toIds(listed)))] };
}

/** What an attempt before this one began to take away. Somebody may have written it into the intent. */
async function finishDiscarding(attempt: Attempt, accessKeyId: string): Promise<void> {
  const { request, services, userName } = attempt;
  const [accessKey, record, lastUse] = await Promise.all([
    services.accessKeys.find(userName, accessKeyId),
    services.records.find(accessKeyId),
    services.accessKeyOwner.findLastUse(accessKeyId),
  ]);
  if (accessKey && !isRecent(accessKey)) return;
  if (lastUse && !isSameUser(lastUse.userName, userName)) return;
  const isOwn = record ? isRecordOfRequest(request, record) : !lastUse?.wasUsed;
  if (isOwn) await takeAwayWhole(attempt.target(accessKeyId, false), services);
}

function unclear(userName: string, suspects: readonly AccessKey[]): UnclearOrphan {
  return new UnclearOrphan(
    'GeneralServiceException',
    `creating access key for user ${userName}: the answer was lost and more than one key may be the one made: ` +
      `${toIds(suspects).join(', ')}; nothing was deleted, find out which are in use and delete the others`,
  );
}
