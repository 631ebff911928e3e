import { setTimeout as sleep } from 'node:timers/promises';
import { byId, toIds, type AccessKey } from '../aws/access-keys.ts';
import { isOutOfTime } from '../aws/errors.ts';
import type { StoredIntent } from '../aws/intents.ts';
import { isSameUser } from '../aws/users.ts';
import { AGE, PATIENCE, poll } from '../aws/waiting.ts';
import {
  findKeyOfRequest,
  isOfRequest,
  isRecent,
  isRecordOfRequest,
} from '../resource/ownership.ts';
import { takeAwayWhole } from '../resource/removal.ts';
import { HandlerError, isTransient } from '../runtime/progress-event.ts';
import type { Attempt } from './attempt.ts';

/** What an attempt does not know. */
export interface Doubt {
  /** The keys that are not the lost one. */
  readonly known: readonly string[];
  /** How a call of this attempt failed that may take effect yet. */
  readonly lostAnswer?: unknown;
}

interface Settled {
  /** The intent that stood when it began; undefined where the attempt that wrote it has finished. */
  readonly intent?: StoredIntent;
  /** The key that was recorded: the one to go on with. */
  readonly own: AccessKey | undefined;
  /** To be discarded. */
  readonly orphan: AccessKey | undefined;
  /** The keys that are not the next lost one. */
  readonly known: readonly string[];
}

const POLL_INTERVAL_MS = 500;

/** Names the keys of which any may be the orphan. */
export class UnclearOrphan extends HandlerError {}

/**
 * Finds out what was made under the intent that stands and nobody learned of.
 *
 * A key is its orphan only if the user did not have it before, IAM made it after the intent stood and
 * in an invocation's time, it has no record by when a sibling would have written one, and it was never
 * used. A single such key is to be discarded. Of several, any may be in use: all are left alone.
 *
 * @throws UnclearOrphan where it cannot be told which key is the orphan.
 */
export async function settle(attempt: Attempt, doubt: Doubt): Promise<Settled> {
  const { request, services } = attempt;
  const { accessKeys, records } = services;
  const isCallOpen = doubt.lostAnswer !== undefined;
  const { intent, finished } = await findIntentOrKey(attempt);
  if (!intent) return { own: finished, orphan: undefined, known: [] };
  const isOwn = isOfRequest(request, intent);
  if (!isCallOpen && (!isOwn || intent.attemptId === attempt.id)) {
    const known = isOwn ? intent.accessKeyIds : toIds(await accessKeys.list(attempt.userName));
    return { intent, own: undefined, orphan: undefined, known };
  }
  if (isOwn && intent.attemptId !== attempt.id && intent.discarding !== undefined) {
    await finishDiscarding(attempt, intent.discarding);
  }

  const old = new Set([...doubt.known, ...(isOwn ? intent.accessKeyIds : []), intent.discarding]);
  const recorded = new Set<string>();
  let listed: readonly AccessKey[] = [];
  let own: AccessKey | undefined;
  let suspects: readonly AccessKey[] = [];
  const look = async (): Promise<void> => {
    listed = await accessKeys.list(attempt.userName);
    const unseen = listed.filter(({ accessKeyId }) => !old.has(accessKeyId));
    const found = await records.findAll(toIds(unseen));
    for (const accessKeyId of found.keys()) recorded.add(accessKeyId);
    own = await findKeyOfRequest(request, unseen, found, services);
    suspects = unseen.filter(
      (accessKey) =>
        !recorded.has(accessKey.accessKeyId) && (!isOwn || wasMadeUnder(intent, accessKey)),
    );
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
    if (own && !isCallOpen) return { intent, own, orphan: undefined, known: [] };
    if (suspects.some(({ accessKeyId }) => !byId(before, accessKeyId)))
      deadline = Date.now() + PATIENCE.sibling;
  } while (Date.now() < deadline);

  const orphan = await findOrphan(attempt, suspects, isOwn);
  const known = [...old, ...toIds(listed)].filter((id) => id !== undefined);
  return { intent, own, orphan, known: [...new Set(known)] };
}

/** Another attempt with the token may have finished, and have removed the intent, by now. */
async function findIntentOrKey({ request, services, token, userName }: Attempt) {
  const { accessKeys, intents, records } = services;
  const found = await poll(PATIENCE.intent, async () => {
    const intent = await intents.find(token);
    if (intent) return { intent };
    const listed = await accessKeys.list(userName);
    const recorded = await records.findAll(toIds(listed));
    const finished = await findKeyOfRequest(request, listed, recorded, services);
    return finished && { finished };
  });
  if (found) return { intent: undefined, finished: undefined, ...found };
  const name = intents.nameOf(token);
  throw new HandlerError(
    'ResourceConflict',
    `reading parameter ${name}: it exists and is not found yet`,
  );
}

/** An intent that somebody planted has nothing discarded that is not this request's own. */
async function finishDiscarding(attempt: Attempt, accessKeyId: string): Promise<void> {
  const { accessKeys, accessKeyOwner, records } = attempt.services;
  const [accessKey, record] = await Promise.all([
    accessKeys.find(attempt.userName, accessKeyId),
    records.find(accessKeyId),
  ]);
  if (record && !isRecordOfRequest(attempt.request, record)) return;
  if (accessKey && !isRecent(accessKey)) return;
  if (!record || !accessKey) {
    const lastUse = await accessKeyOwner.findLastUse(accessKeyId);
    if (lastUse && !isSameUser(lastUse.userName, attempt.userName)) return;
    if (lastUse?.wasUsed && !record) return;
  }
  await takeAwayWhole(attempt.target(accessKeyId, false), attempt.services);
}

/** @param isProvable whether the suspects are those of an intent of this request. */
async function findOrphan(
  { services, what }: Attempt,
  suspects: readonly AccessKey[],
  isProvable: boolean,
): Promise<AccessKey | undefined> {
  const unused: AccessKey[] = [];
  for (const suspect of suspects) {
    const lastUse = await services.accessKeyOwner.findLastUse(suspect.accessKeyId);
    if (!lastUse?.wasUsed) unused.push(suspect);
  }
  const [orphan, ...others] = unused;
  if (!orphan || (isProvable && others.length === 0)) return orphan;
  throw new UnclearOrphan(
    'GeneralServiceException',
    `${what}: the answer was lost and more than one key may be the one made: ` +
      `${toIds(unused).join(', ')}; nothing was deleted, find out which are in use and delete the others`,
  );
}

/** Whether IAM made the key after the intent stood and in an invocation's time, by AWS's clocks. */
export function wasMadeUnder({ lastModified }: StoredIntent, { createDate }: AccessKey): boolean {
  const age = createDate.getTime() - Math.floor(lastModified.getTime() / 1000) * 1000;
  const latest = AGE.invocation + PATIENCE.lateEffect;
  return age >= -AGE.clockTolerance && age <= latest + AGE.clockTolerance;
}
