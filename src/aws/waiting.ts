import { setTimeout as sleep } from 'node:timers/promises';
import {
  hasErrorCode,
  HandlerError,
  inProgress,
  isTransient,
  type HandlerErrorCode,
  type ProgressEvent,
} from '../runtime/progress-event.ts';
import type { Model } from '../schema.ts';
import { isAccessKeyId } from './access-key-id.ts';

/**
 * How long something at AWS is waited for, in milliseconds. IAM and Parameter Store are eventually
 * consistent: most changes show at once, all in seconds.
 */
export const PATIENCE = {
  /** For all of an operation's result to show, over its invocations. */
  stabilization: 90_000,
  /** For STS to accept a new key. */
  acceptance: 30_000,
  /** For a call without an answer to have its effect, and for IAM to list it. */
  lateEffect: 20_000,
  /**
   * For a key without a record to get one. Two resources for one user are created side by side, and
   * between a key's birth and its record lie a late answer and, at worst, three tries.
   */
  sibling: 20_000,
  /** For the later of two keys that are made at once to give way, where a user may have one. */
  rival: 20_000,
  /** For a user or key that IAM does not know, or does not know yet: it was made a moment ago. */
  unknown: 20_000,
  /** For an intent that is said to exist to be found. */
  intent: 15_000,
  /** For the record of a young key, which Parameter Store now and then misses. */
  record: 4_000,
  /** For IAM to list a key that has been there for a while. */
  listing: 4_000,
} as const;

/** How old something at AWS may be, in milliseconds. */
export const AGE = {
  /** A key that IAM and Parameter Store may not show whole yet. */
  young: 60_000,
  /** An invocation. */
  invocation: 60_000,
  /** A CREATE: CloudFormation gives it five minutes, and repeats it a few times. */
  create: 60 * 60_000,
  /** IAM's dates are whole seconds, of another clock than Parameter Store's. */
  clockTolerance: 1_000,
} as const;

const CALLBACK_DELAY_SECONDS = 3;
const FIRST_INTERVAL_MS = 250;
const LAST_INTERVAL_MS = 2_000;

/** @returns what `look` finds in the end, or undefined if it finds nothing in time. */
export async function poll<T>(
  patienceMs: number,
  look: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = Date.now() + patienceMs;
  let interval = FIRST_INTERVAL_MS;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() + interval > deadline) return found;
    await sleep(interval);
    interval = Math.min(2 * interval, LAST_INTERVAL_MS);
  }
}

/** Believes in NotFound only after a while. */
export async function untilFound<T>(call: () => Promise<T>): Promise<T> {
  return outlast(['NotFound'], call);
}

/** Believes in these errors only after a while: IAM may not know yet what was done a moment ago. */
export async function outlast<T>(
  errorCodes: readonly HandlerErrorCode[],
  call: () => Promise<T>,
): Promise<T> {
  let latest: unknown;
  const found = await poll(PATIENCE.unknown, async () => {
    try {
      return { result: await call() };
    } catch (error) {
      if (!hasErrorCode(error, ...errorCodes)) throw error;
      latest = error;
      return undefined;
    }
  });
  if (!found) throw latest as Error;
  return found.result;
}

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
    !isAccessKeyId(accessKeyId) ||
    typeof userName !== 'string' ||
    typeof startedAt !== 'number'
  ) {
    throw new HandlerError('InvalidRequest', 'the callback context is not one of this type');
  }
  return { accessKeyId, userName, startedAt };
}

/**
 * Looks once at how far AWS is. What it does not show yet, and a transient error, mean IN_PROGRESS.
 *
 * @param look returns the operation's end, or what there still is to wait for.
 * @throws HandlerError NotStabilized when there was time enough.
 */
export async function stabilize(
  stabilization: Stabilization,
  model: Model,
  look: () => Promise<ProgressEvent<Model> | string>,
): Promise<ProgressEvent<Model>> {
  const seen = await look().catch((error: unknown) => {
    if (isTransient(error)) return (error as Error).message;
    throw error;
  });
  if (typeof seen !== 'string') return seen;
  if (Date.now() - stabilization.startedAt > PATIENCE.stabilization) {
    throw notStabilized(stabilization, PATIENCE.stabilization, seen);
  }
  return inProgress(model, { ...stabilization }, CALLBACK_DELAY_SECONDS);
}

export function notStabilized(
  { accessKeyId, userName }: Omit<Stabilization, 'startedAt'>,
  patienceMs: number,
  what: string,
): HandlerError {
  return new HandlerError(
    'NotStabilized',
    `waiting for access key ${accessKeyId} of user ${userName}: after ${patienceMs / 1000} seconds ${what}`,
  );
}
