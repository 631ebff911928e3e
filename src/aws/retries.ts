import { LimitExceededException } from '@aws-sdk/client-iam';
import { StandardRetryStrategy } from '@smithy/core/retry';
import type {
  RetryErrorInfo,
  StandardRetryBackoffStrategy,
  StandardRetryToken,
} from '@smithy/types';
import { MAX_TRIES } from '../runtime/time-limits.ts';
import { isThrottled, triesOf, wasRefused, type SdkError } from './errors.ts';

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 2_000;

/**
 * CreateAccessKey: retries only what was turned down. After a lost answer a second try would make a
 * second key.
 */
class OnlyAfterRefusal extends StandardRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, errorInfo: RetryErrorInfo) {
    const error = errorInfo.error as Error;
    if (!wasRefused(error) || error instanceof LimitExceededException) throw error;
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

/** The record of a key that exists: where Parameter Store only asks to slow down, it is tried on. */
class AsLongAsThrottled extends StandardRetryStrategy {
  constructor() {
    super({ maxAttempts: Infinity, backoff: new ShortBackoff() });
  }

  override async refreshRetryTokenForRetry(token: StandardRetryToken, errorInfo: RetryErrorInfo) {
    refuseRepeatedFailure(errorInfo.error as SdkError);
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

/** Parameter Store takes a few calls a second: who waits for long misses its turn. */
class ShortBackoff implements StandardRetryBackoffStrategy {
  setDelayBase(): void {
    // It is the same for all errors.
  }

  computeNextBackoffDelay(retries: number): number {
    return Math.random() * Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** retries);
  }
}

/** What fails for another reason than its rate is tried as often as any call. */
export function refuseRepeatedFailure(error: SdkError): void {
  if (triesOf(error).filter((each) => !isThrottled(each)).length >= MAX_TRIES) throw error;
}

export function asLongAsThrottled(): StandardRetryStrategy {
  return new AsLongAsThrottled();
}

export function onlyAfterRefusal(): StandardRetryStrategy {
  return new OnlyAfterRefusal(MAX_TRIES);
}
