import { LimitExceededException } from '@aws-sdk/client-iam';
import { AdaptiveRetryStrategy, StandardRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, StandardRetryToken } from '@smithy/types';
import { MAX_TRIES } from '../runtime/time-limits.ts';
import { isThrottled, triesOf, wasRefused, type SdkError } from './errors.ts';

const MAX_TRIES_OF_A_WALK = 10;

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

/** After a throttled call all slow down to what IAM takes; what else fails is tried as elsewhere. */
class AtTheRateOfIam extends AdaptiveRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, errorInfo: RetryErrorInfo) {
    const error = errorInfo.error as SdkError;
    const failures = triesOf(error).filter((each) => !isThrottled(each));
    if (failures.length >= MAX_TRIES) throw error;
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

export function onlyAfterRefusal(): StandardRetryStrategy {
  return new OnlyAfterRefusal(MAX_TRIES);
}

/** It outlives the invocations, so that the next page starts at the rate that the last one found. */
export const PACE_OF_A_WALK = new AtTheRateOfIam(() => Promise.resolve(MAX_TRIES_OF_A_WALK));
