import { isOfRequest, isRecent } from '../resource/ownership.ts';
import { takeAway, withLeftovers } from '../resource/removal.ts';
import { hasErrorCode, isTransient, withHint } from '../runtime/progress-event.ts';
import type { Attempt } from './attempt.ts';
import { UnclearOrphan } from './orphans.ts';
import type { State } from './states.ts';

/**
 * Takes back what was made.
 *
 * @throws HandlerError the error, with what could not be taken back. After an error that CloudFormation
 *   retries the intent stays, and the next attempt goes by it.
 */
export async function undo(attempt: Attempt, state: State, error: unknown): Promise<never> {
  const { request, services, token } = attempt;
  switch (state.name) {
    case 'Fresh': {
      const intent = await services.intents.find(token).catch(() => undefined);
      if (!isOfRequest(request, intent)) throw error;
      return intent?.attemptId === attempt.id ? end(attempt, error) : endInDoubt(attempt, error);
    }
    case 'Claimed':
      return end(attempt, error);
    case 'Unsure':
      return error instanceof UnclearOrphan ? end(attempt, error) : endInDoubt(attempt, error);
    case 'Made':
      return undoKey(attempt, state.accessKey.accessKeyId, state.known, error);
    case 'Recorded': {
      const { accessKeyId } = state.stabilization;
      const isOwn = state.secretAccessKey !== undefined || !(await isOld(attempt, accessKeyId));
      return isOwn ? undoKey(attempt, accessKeyId, state.known, error) : end(attempt, error);
    }
  }
}

async function undoKey(
  attempt: Attempt,
  accessKeyId: string,
  known: readonly string[] = [],
  error: unknown,
): Promise<never> {
  const { intents } = attempt.services;
  // Where this fails, the key is taken away all the same: better unannounced than left.
  await intents.announce(attempt.token, attempt.intent(known, accessKeyId)).catch(() => undefined);
  const { leftovers } = await takeAway(attempt.target(accessKeyId, true), attempt.services);
  return end(attempt, error, leftovers);
}

/** Whoever may write parameters could name another's key: what no CREATE of today has made stays. */
async function isOld({ services, userName }: Attempt, accessKeyId: string): Promise<boolean> {
  const accessKey = await services.accessKeys.find(userName, accessKeyId).catch(() => undefined);
  return accessKey !== undefined && !isRecent(accessKey);
}

/** A key may have been made, and the intent says more; but with the user the keys are gone. */
async function endInDoubt(attempt: Attempt, error: unknown): Promise<never> {
  if (hasErrorCode(error, 'NotFound')) return end(attempt, error);
  const { services, token, userName } = attempt;
  throw withHint(
    error,
    `a key may have been made for user ${userName}; parameter ${services.intents.nameOf(token)}, if it is there, says which keys there were before`,
  );
}

async function end(
  { services, token }: Attempt,
  error: unknown,
  leftovers: readonly string[] = [],
): Promise<never> {
  const intent = `parameter ${services.intents.nameOf(token)}, if it is there`;
  if (isTransient(error)) throw withLeftovers(error, [...leftovers, intent]);
  const isGone = await services.intents.delete(token).then(
    () => true,
    () => false,
  );
  throw withLeftovers(error, isGone ? leftovers : [...leftovers, intent]);
}
