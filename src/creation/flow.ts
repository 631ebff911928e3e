import { byId, describe, toIds, type AccessKey } from '../aws/access-keys.ts';
import { isOutcomeUnknown } from '../aws/errors.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { outlast, startStabilization, untilFound } from '../aws/waiting.ts';
import { listWithRecords } from '../resource/find.ts';
import { findKeyOfRequest } from '../resource/ownership.ts';
import { findReplaced, type KeyWithRecord } from '../resource/previous-key.ts';
import { takeAwayWhole } from '../resource/removal.ts';
import { nameSuccessor, takePreviousAway } from '../resource/superseding.ts';
import { refuseOneMore } from '../rules/max-keys-per-user.ts';
import { refuseSecretOutOfScope } from '../rules/secret-scope.ts';
import { refuseSerial } from '../rules/serial.ts';
import { refuseUserOutOfScope } from '../rules/user-scope.ts';
import { hasErrorCode, withHint, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Model } from '../schema.ts';
import type { Attempt } from './attempt.ts';
import { complete } from './completion.ts';
import { settle } from './orphans.ts';
import type { In, State } from './states.ts';
import { undo } from './undo.ts';

/** How often one invocation has the time to find out what a lost answer made. */
const MAX_LOST_ANSWERS = 2;

/**
 * Makes one key for one client request token, in as many attempts as it takes.
 *
 * The intent is a write-ahead log: it stands from before CreateAccessKey until the record was read
 * back or nothing is left, and what is taken away is written into it first.
 */
export async function create(
  attempt: Attempt,
  from: State = { name: 'Fresh' },
): Promise<ProgressEvent<Model>> {
  let state = from;
  try {
    for (;;) {
      switch (state.name) {
        case 'Fresh':
          state = await claim(attempt);
          break;
        case 'Claimed':
          state = await make(attempt, state);
          break;
        case 'Unsure':
          state = await clearUp(attempt, state);
          break;
        case 'Made':
          state = await record(attempt, state);
          break;
        case 'Recorded':
          return await complete(attempt, state);
      }
    }
  } catch (error) {
    return undo(attempt, state, error);
  }
}

/** Fresh: refuses what is to be refused, and writes the intent. */
async function claim(attempt: Attempt): Promise<State> {
  const { request, services, userName, token } = attempt;
  const { secretId } = request.model;
  const admission = Promise.all([
    untilFound(() => refuseUserOutOfScope(userName, request.typeConfiguration, services.users)),
    secretId === undefined
      ? undefined
      : refuseSecretOutOfScope(request, services.secretVersions(secretId)),
  ]);
  admission.catch(() => undefined);
  const known = toIds(await untilFound(() => services.accessKeys.list(userName)));
  await admission;
  const isFirst = await services.intents.put(token, attempt.intent(known));
  return isFirst
    ? { name: 'Claimed', known, lostAnswers: 0 }
    : { name: 'Unsure', known: [], lostAnswers: 0 };
}

/** Claimed: looks again, as another attempt may have ended before the intent stood; then makes the key. */
async function make(attempt: Attempt, state: In<'Claimed'>): Promise<State> {
  const { request, services, userName, token } = attempt;
  const { lostAnswers } = state;
  if (lostAnswers >= MAX_LOST_ANSWERS) throw state.lostAnswer as Error;
  const intent = services.intents.nameOf(token);
  const { accessKeys, records } = await listWithRecords(userName, state.known, intent, services);
  const own = await findKeyOfRequest(request, accessKeys, records, services);
  if (own) return toRecorded(own);
  refuseSerial(request, records);
  refuseOneMore(request, accessKeys, records);
  const replaced = findReplaced(request, accessKeys, records);
  const hasRoomMade = await makeRoom(services, replaced, accessKeys, records);
  try {
    const createKey = () => untilFound(() => services.accessKeys.create(userName));
    const accessKey = await (hasRoomMade
      ? outlast('ServiceLimitExceeded', createKey)
      : createKey());
    const { previousKey = 'Deleted' } = request.model;
    const previous = previousKey === 'Deleted' ? undefined : replaced;
    return { name: 'Made', accessKey, known: toIds(accessKeys), previous };
  } catch (error) {
    const isQuota = hasErrorCode(error, 'ServiceLimitExceeded');
    const failure = isQuota
      ? withHint(error, `the user has ${describe(accessKeys)}: delete one first`)
      : error;
    // The quota may be used up by a key whose making got no answer and that IAM did not list yet.
    const mayBeMade = isOutcomeUnknown(error) || (isQuota && lostAnswers > 0);
    if (!mayBeMade) throw failure;
    const known = toIds(accessKeys);
    return { name: 'Unsure', known, lostAnswer: failure, lostAnswers: lostAnswers + 1 };
  }
}

/**
 * The previous key makes room for the next one.
 *
 * @returns whether IAM may take a while to see it: an earlier attempt may have made the room.
 */
async function makeRoom(
  services: Services,
  replaced: KeyWithRecord | undefined,
  accessKeys: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
): Promise<boolean> {
  if (!replaced) return false;
  const { accessKeyId, record } = replaced;
  const { previousKeyId = '' } = record;
  const isTakenAway = await takePreviousAway(accessKeyId, record, services);
  return isTakenAway || (byId(accessKeys, previousKeyId) && !records.has(previousKeyId)) === true;
}

/** Unsure: goes on with the key that was recorded, or takes away the one that nobody knows. */
async function clearUp(attempt: Attempt, state: In<'Unsure'>): Promise<State> {
  const { services, token } = attempt;
  const { lostAnswers, lostAnswer } = state;
  const { intent, own, orphan, known } = await settle(attempt, state);
  const isClaimed = intent?.attemptId === attempt.id && lostAnswers === 0;
  if (!own && intent && !isClaimed) {
    const next = attempt.intent(known, orphan?.accessKeyId);
    await services.intents.putNext(token, intent.version, next);
  }
  if (orphan) await takeAwayWhole(attempt.target(orphan.accessKeyId, true), services);
  if (own) return toRecorded(own);
  return { name: 'Claimed', known, lostAnswers, lostAnswer };
}

/** Made: the record is written last, so that a key that has one is complete. */
async function record(
  attempt: Attempt,
  { accessKey, known, previous }: In<'Made'>,
): Promise<State> {
  const { services, request, token } = attempt;
  const { accessKeyId, userName, secretAccessKey } = accessKey;
  const { model, stackId, logicalResourceId } = request;
  const { status = 'Active', description, secretId, serial } = model;
  const { secretKeys, sesRegion, previousKey } = model;
  const steps = await Promise.allSettled([
    secretId === undefined ? undefined : services.secretVersions(secretId).put(accessKey, model),
    status === 'Active'
      ? undefined
      : untilFound(() => services.accessKeys.update(userName, accessKeyId, status)),
    description === undefined
      ? undefined
      : untilFound(() => services.descriptions.set(userName, accessKeyId, description)),
    previous && nameSuccessor(previous, accessKey, previousKey, services),
  ]);
  const failure = steps.find((step) => step.status === 'rejected');
  if (failure) throw failure.reason as Error;
  await services.records.put(accessKeyId, {
    userName: attempt.userName,
    ...(secretId === undefined ? { secretAccessKey } : { secretId, secretKeys }),
    sesRegion,
    serial,
    clientRequestToken: token,
    stackId,
    logicalResourceId,
    previousKey,
    previousKeyId: previous?.accessKeyId,
  });
  return { ...toRecorded(accessKey), known, secretAccessKey };
}

function toRecorded({ userName, accessKeyId }: AccessKey): In<'Recorded'> {
  return { name: 'Recorded', stabilization: startStabilization(userName, accessKeyId) };
}
