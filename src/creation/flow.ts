import { describe, toIds } from '../aws/access-keys.ts';
import { isOutcomeUnknown } from '../aws/errors.ts';
import { outlast, untilFound } from '../aws/waiting.ts';
import { listWithRecords } from '../resource/find.ts';
import { findKeyOfRequest } from '../resource/ownership.ts';
import { findReplaced } from '../resource/previous-key.ts';
import { makeRoom, nameSuccessor } from '../resource/superseding.ts';
import { refuseOneMore } from '../rules/max-keys-per-user.ts';
import { refuseSecretOutOfScope } from '../rules/secret-scope.ts';
import { refuseSerial } from '../rules/serial.ts';
import { refuseUserOutOfScope } from '../rules/user-scope.ts';
import { hasErrorCode, withHint, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Model } from '../schema.ts';
import type { Attempt } from './attempt.ts';
import { complete } from './completion.ts';
import { clearUp } from './orphans.ts';
import { toRecorded, type In, type State } from './states.ts';
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
    secretId !== undefined && refuseSecretOutOfScope(request, services.secretVersions(secretId)),
  ]);
  admission.catch(() => undefined);
  const known = toIds(await untilFound(() => services.accessKeys.list(userName)));
  await admission;
  const isFirst = await services.intents.put(token, attempt.intent(known));
  return isFirst
    ? { name: 'Claimed', known, lostAnswers: [] }
    : { name: 'Unsure', known: [], lostAnswers: [] };
}

/** Claimed: looks again, as another attempt may have ended before the intent stood; then makes the key. */
async function make(attempt: Attempt, { known, lostAnswers }: In<'Claimed'>): Promise<State> {
  const { request, services, userName, token } = attempt;
  if (lostAnswers.length >= MAX_LOST_ANSWERS) throw lostAnswers.at(-1) as Error;
  const intent = services.intents.nameOf(token);
  const { accessKeys, records } = await listWithRecords(userName, known, intent, services);
  const own = await findKeyOfRequest(request, accessKeys, records, services);
  if (own) return toRecorded(own);
  refuseSerial(request, records);
  refuseOneMore(request, accessKeys, records);
  const replaced = findReplaced(request, accessKeys, records);
  const hasMadeRoom = await makeRoom(replaced, accessKeys, records, services);
  const isKept = (request.model.previousKey ?? 'Deleted') !== 'Deleted';
  const before = { known: toIds(accessKeys), previous: isKept ? replaced : undefined };
  try {
    const accessKey = await outlast(
      hasMadeRoom ? ['NotFound', 'ServiceLimitExceeded'] : ['NotFound'],
      () => services.accessKeys.create(userName),
    );
    return { name: 'Made', accessKey, ...before };
  } catch (error) {
    const isQuota = hasErrorCode(error, 'ServiceLimitExceeded');
    const failure = isQuota
      ? withHint(error, `the user has ${describe(accessKeys)}: delete one first`)
      : error;
    // The quota may be used up by a key whose making got no answer and that IAM did not list yet.
    const mayBeMade = isOutcomeUnknown(error) || (isQuota && lostAnswers.length > 0);
    if (!mayBeMade) throw failure;
    return { name: 'Unsure', known: before.known, lostAnswers: [...lostAnswers, failure] };
  }
}

/** Made: the record is written last, so that a key that has one is complete. */
async function record(
  { request, services, userName, token }: Attempt,
  { accessKey, known, previous }: In<'Made'>,
): Promise<State> {
  const { accessKeyId, secretAccessKey } = accessKey;
  const { model, stackId, logicalResourceId } = request;
  const { status, description, secretId, secretKeys, sesRegion, serial, previousKey } = model;
  const steps = await Promise.allSettled([
    secretId !== undefined && services.secretVersions(secretId).put(accessKey, model),
    status === 'Inactive' &&
      untilFound(() => services.accessKeys.update(accessKey.userName, accessKeyId, status)),
    description !== undefined &&
      untilFound(() => services.descriptions.set(accessKey.userName, accessKeyId, description)),
    previous && nameSuccessor(previous, accessKey, previousKey, services),
  ]);
  const failure = steps.find((step) => step.status === 'rejected');
  if (failure) throw failure.reason as Error;
  await services.records.put(accessKeyId, {
    userName,
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
