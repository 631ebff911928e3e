import { IAMClient, ListUsersCommand } from '@aws-sdk/client-iam';
import { AdaptiveRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, StandardRetryToken } from '@smithy/types';
import pMap from 'p-map';
import { ifFound } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import { AccessKeys, type AccessKey } from './access-keys.ts';
import { callAws, present, type SdkError } from './errors.ts';
import { refuseRepeatedFailure } from './retries.ts';

interface Page {
  readonly accessKeys: readonly AccessKey[];
  /** Where the next page starts; undefined after the last one. */
  readonly marker: string | undefined;
}

const MAX_TRIES_OF_A_CALL = 10;
const USERS_A_PAGE = 100;
const USERS_AT_ONCE = 8;

/** READ and LIST have 30 seconds. */
const WALK_MS = 22_000;

/** After a throttled call all slow down to what IAM takes; what else fails is tried as elsewhere. */
export class AtTheRateOfIam extends AdaptiveRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, errorInfo: RetryErrorInfo) {
    refuseRepeatedFailure(errorInfo.error as SdkError);
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

/** It outlives the invocations, so that the next page starts at the rate that the last one found. */
const PACE_OF_A_WALK = new AtTheRateOfIam(() => Promise.resolve(MAX_TRIES_OF_A_CALL));

/**
 * A walk over all users of the account, a page at a time and as fast as IAM takes it. It ends with
 * Throttling where IAM is too slow for it.
 */
export class AllUsers {
  readonly #session: Session;
  readonly #iam: IAMClient;
  readonly #deadline = AbortSignal.timeout(WALK_MS);

  constructor(session: Session) {
    this.#session = session;
    this.#iam = session.client(IAMClient);
  }

  get isOutOfTime(): boolean {
    return this.#deadline.aborted;
  }

  /** A page of users and all their keys; a user who is gone by the time of asking has none. */
  async keysOfPage(marker?: string): Promise<Page> {
    const accessKeys = new AccessKeys(this.#session);
    const options = { abortSignal: this.#deadline };
    return this.#session.with({ retryStrategy: PACE_OF_A_WALK }).run(async () => {
      const users = await callAws('listing users', async () => {
        const command = new ListUsersCommand({ Marker: marker, MaxItems: USERS_A_PAGE });
        const { Users, IsTruncated, Marker } = await this.#iam.send(command, options);
        const userNames = present(Users).map(({ UserName }) => present(UserName));
        return { userNames, marker: IsTruncated ? Marker : undefined };
      });
      const lists = await pMap(
        users.userNames,
        (userName) => ifFound(accessKeys.list(userName, options)),
        { concurrency: USERS_AT_ONCE },
      );
      return { accessKeys: lists.flatMap((list) => list ?? []), marker: users.marker };
    });
  }
}
