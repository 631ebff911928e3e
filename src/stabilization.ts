import { setTimeout as sleep } from 'node:timers/promises';
import type { Model } from './model.ts';
import { HandlerError, inProgress, type ProgressEvent } from './runtime/progress-event.ts';

/** IAM and Parameter Store are eventually consistent: most changes show at once, all in seconds. */
const PATIENCE_SECONDS = 90;
const CALLBACK_DELAY_SECONDS = 3;
const FIRST_POLL_INTERVAL_MS = 250;
const LAST_POLL_INTERVAL_MS = 2_000;

/** Parameter Store now and then misses what was written in the last seconds. */
export const RECORD_PATIENCE_MS = 4_000;

/** What a callback context holds while an operation waits for AWS to show its result. */
export interface Stabilization {
  readonly accessKeyId: string;
  readonly userName: string;
  /** When the waiting began, in milliseconds since 1970. */
  readonly startedAt: number;
}

export function startStabilization(userName: string, accessKeyId: string): Stabilization {
  return { accessKeyId, userName, startedAt: Date.now() };
}

/** @throws HandlerError InvalidRequest for a callback context that is not of this type's making. */
export function resumeStabilization(
  callbackContext: Readonly<Record<string, unknown>>,
): Stabilization {
  const { accessKeyId, userName, startedAt } = callbackContext;
  if (
    typeof accessKeyId !== 'string' ||
    typeof userName !== 'string' ||
    typeof startedAt !== 'number'
  ) {
    throw new HandlerError('InvalidRequest', 'the callback context is not one of this type');
  }
  return { accessKeyId, userName, startedAt };
}

/** @throws HandlerError NotStabilized when there was time enough. */
export function waitFor(
  what: string,
  stabilization: Stabilization,
  model: Model,
): ProgressEvent<Model> {
  if (Date.now() - stabilization.startedAt > PATIENCE_SECONDS * 1000) {
    const { accessKeyId, userName } = stabilization;
    throw new HandlerError(
      'NotStabilized',
      `waiting for access key ${accessKeyId} of user ${userName}: after ${PATIENCE_SECONDS} seconds ${what}`,
    );
  }
  return inProgress(model, { ...stabilization }, CALLBACK_DELAY_SECONDS);
}

/** @returns what `check` finds in the end, or undefined if it finds nothing in time. */
export async function poll<T>(
  patienceMs: number,
  check: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = Date.now() + patienceMs;
  let interval = FIRST_POLL_INTERVAL_MS;
  for (;;) {
    const found = await check();
    if (found !== undefined || Date.now() + interval > deadline) return found;
    await sleep(interval);
    interval = Math.min(2 * interval, LAST_POLL_INTERVAL_MS);
  }
}
