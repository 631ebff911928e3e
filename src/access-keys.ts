import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  GetAccessKeyLastUsedCommand,
  IAMClient,
  LimitExceededException,
  ListAccessKeysCommand,
  ListUsersCommand,
  UpdateAccessKeyCommand,
  type AccessKeyMetadata,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { AdaptiveRetryStrategy, StandardRetryStrategy } from '@smithy/core/retry';
import type { RetryErrorInfo, StandardRetryToken } from '@smithy/types';
import pMap from 'p-map';
import {
  attempt,
  isThrottled,
  present,
  triesOf,
  wasRefused,
  wasRetried,
  type SdkError,
} from './errors.ts';
import type { Status } from './model.ts';
import { HandlerError, hasErrorCode } from './runtime/progress-event.ts';
import { MAX_ATTEMPTS, type Session } from './runtime/session.ts';

export interface AccessKey {
  readonly accessKeyId: string;
  /** As IAM spells it. */
  readonly userName: string;
  readonly status: Status;
  readonly createDate: Date;
}

export interface NewAccessKey extends AccessKey {
  readonly secretAccessKey: string;
}

interface AccessKeyPage {
  readonly accessKeys: readonly AccessKey[];
  /** Where the next page starts; undefined after the last one. */
  readonly marker: string | undefined;
}

const MAX_ATTEMPTS_OF_WALK = 10;
const YOUNG_MS = 60_000;
const USERS_A_PAGE = 100;
const USERS_AT_ONCE = 8;

/** READ and LIST have 30 seconds. */
const WALK_PATIENCE_MS = 22_000;

/** Retries only what was turned down: after a lost answer a second try would make a second key. */
class RetryWhatWasRefused extends StandardRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, errorInfo: RetryErrorInfo) {
    const error = errorInfo.error as Error;
    if (!wasRefused(error) || error instanceof LimitExceededException) throw error;
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

/** After a throttled call all slow down to what IAM takes; what else fails is tried as elsewhere. */
class WalkAtTheRateOfIam extends AdaptiveRetryStrategy {
  override async refreshRetryTokenForRetry(token: StandardRetryToken, errorInfo: RetryErrorInfo) {
    const error = errorInfo.error as SdkError;
    const failures = triesOf(error).filter((each) => !isThrottled(each));
    if (failures.length >= MAX_ATTEMPTS) throw error;
    return super.refreshRetryTokenForRetry(token, errorInfo);
  }
}

/** It outlives the invocations, so that the next page starts at the rate that the last one found. */
const WALK_PACE = new WalkAtTheRateOfIam(() => Promise.resolve(MAX_ATTEMPTS_OF_WALK));

/** The access keys of the account's IAM users. Every method throws HandlerError only. */
export class AccessKeys {
  readonly #session: Session;
  readonly #iam: IAMClient;

  constructor(session: Session) {
    this.#session = session;
    this.#iam = session.client(IAMClient);
  }

  /** @throws HandlerError NotFound for an unknown user. */
  async list(userName: string): Promise<AccessKey[]> {
    return listOf(this.#iam, userName);
  }

  /** @returns undefined for an unknown user. */
  async listIfThere(userName: string): Promise<AccessKey[] | undefined> {
    return ifFound(this.list(userName));
  }

  /**
   * A page of users and all their keys; a user who is gone by the time of asking has none.
   *
   * @param abortSignal ends it.
   * @throws HandlerError Throttling where IAM is too slow for the page.
   */
  async listPage(
    marker?: string,
    abortSignal = AbortSignal.timeout(WALK_PATIENCE_MS),
  ): Promise<AccessKeyPage> {
    return this.#session.with({ retryStrategy: WALK_PACE }).run(async () => {
      const options = { abortSignal };
      const users = await attempt('listing users', async () => {
        const command = new ListUsersCommand({ Marker: marker, MaxItems: USERS_A_PAGE });
        const { Users, IsTruncated, Marker } = await this.#iam.send(command, options);
        const userNames = present(Users).map(({ UserName }) => present(UserName));
        return { userNames, marker: IsTruncated ? Marker : undefined };
      });
      const lists = await pMap(
        users.userNames,
        (userName) => ifFound(listOf(this.#iam, userName, options)),
        { concurrency: USERS_AT_ONCE },
      );
      return { accessKeys: lists.flatMap((list) => list ?? []), marker: users.marker };
    });
  }

  /** @param userName the user whom the key belonged to when it was last seen. */
  async find(accessKeyId: string, userName?: string): Promise<AccessKey | undefined> {
    const accessKeys = userName === undefined ? undefined : await this.listIfThere(userName);
    const accessKey = accessKeys && byId(accessKeys, accessKeyId);
    if (accessKey) return accessKey;
    let owner: string | undefined;
    try {
      owner = await this.#findOwner(accessKeyId);
    } catch (error) {
      if (!hasErrorCode(error, 'AccessDenied')) throw error;
      const found = await this.#search(accessKeyId);
      if (found) throw error;
      if (found === undefined && !accessKeys) throw tooSlow((error as Error).message);
      return undefined;
    }
    if (owner === undefined) return undefined;
    const owned = byId((await this.listIfThere(owner)) ?? [], accessKeyId);
    if (owned) return owned;
    // IAM names a user who lacks it: the user was renamed, or the key deleted, a moment ago.
    const found = await this.#search(accessKeyId);
    if (found === undefined) {
      const activity = `finding the user of access key ${accessKeyId}`;
      throw tooSlow(`${activity}: IAM names ${owner}, who does not have it`);
    }
    return found || undefined;
  }

  /** Throws where the key may have been made, too: `isOutcomeUnknown` tells. */
  async create(userName: string): Promise<NewAccessKey> {
    const session = this.#session.with({ retryStrategy: new RetryWhatWasRefused(MAX_ATTEMPTS) });
    return attempt(`creating access key for user ${userName}`, async () => {
      const { AccessKey } = await session.run(() =>
        this.#iam.send(new CreateAccessKeyCommand({ UserName: userName })),
      );
      const secretAccessKey = present(AccessKey?.SecretAccessKey);
      this.#session.log.conceal(secretAccessKey);
      return { ...toAccessKey(present(AccessKey)), secretAccessKey };
    });
  }

  /** Without UserName IAM would act on the caller's own keys. */
  async update(userName: string, accessKeyId: string, status: Status): Promise<void> {
    await attempt(`setting access key ${accessKeyId} of user ${userName} to ${status}`, () =>
      this.#iam.send(
        new UpdateAccessKeyCommand({
          UserName: userName,
          AccessKeyId: accessKeyId,
          Status: status,
        }),
      ),
    );
  }

  /**
   * Without UserName IAM would act on the caller's own keys.
   *
   * @returns `absent` where the user has no such key; `unsure` where that is the answer to a retry,
   *   so that the first try may have deleted it.
   */
  async delete(userName: string, accessKeyId: string): Promise<'deleted' | 'absent' | 'unsure'> {
    try {
      await attempt(`deleting access key ${accessKeyId} of user ${userName}`, () =>
        this.#iam.send(
          new DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: accessKeyId }),
        ),
      );
      return 'deleted';
    } catch (error) {
      if (hasErrorCode(error, 'NotFound')) return wasRetried(error) ? 'unsure' : 'absent';
      throw error;
    }
  }

  /** Whether AWS accepts the key already; a new one takes some seconds to be known everywhere. */
  async isAccepted(accessKeyId: string, secretAccessKey: string): Promise<boolean> {
    const sts = this.#session.client(STSClient);
    const keyHolder = this.#session.with({ credentials: { accessKeyId, secretAccessKey } });
    try {
      await attempt(`using access key ${accessKeyId}`, () =>
        keyHolder.run(() => sts.send(new GetCallerIdentityCommand({}))),
      );
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'AccessDenied', 'InvalidCredentials')) return false;
      throw error;
    }
  }

  async #findOwner(accessKeyId: string): Promise<string | undefined> {
    return ifFound(
      attempt(`finding the user of access key ${accessKeyId}`, async () => {
        const command = new GetAccessKeyLastUsedCommand({ AccessKeyId: accessKeyId });
        return present((await this.#iam.send(command)).UserName);
      }),
    );
  }

  /**
   * IAM denies GetAccessKeyLastUsed for an unknown key as it does without the permission. Only a
   * look at every user's keys tells one from the other.
   *
   * @returns false where no user has the key; undefined where the search cannot be finished in time.
   */
  async #search(accessKeyId: string): Promise<AccessKey | false | undefined> {
    const deadline = AbortSignal.timeout(WALK_PATIENCE_MS);
    let marker: string | undefined;
    try {
      do {
        const page = await this.listPage(marker, deadline);
        const found = byId(page.accessKeys, accessKeyId);
        if (found) return found;
        marker = page.marker;
      } while (marker);
      return false;
    } catch (error) {
      if (deadline.aborted) return undefined;
      throw error;
    }
  }
}

async function listOf(
  iam: IAMClient,
  userName: string,
  options?: { abortSignal: AbortSignal },
): Promise<AccessKey[]> {
  const accessKeys: AccessKey[] = [];
  let Marker: string | undefined;
  do {
    const page = await attempt(`listing access keys of user ${userName}`, async () => {
      const answer = await iam.send(
        new ListAccessKeysCommand({ UserName: userName, Marker }),
        options,
      );
      return { ...answer, accessKeys: present(answer.AccessKeyMetadata).map(toAccessKey) };
    });
    accessKeys.push(...page.accessKeys);
    Marker = page.IsTruncated ? page.Marker : undefined;
  } while (Marker);
  return accessKeys;
}

async function ifFound<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasErrorCode(error, 'NotFound')) return undefined;
    throw error;
  }
}

export function byId<K extends { accessKeyId: string }>(
  accessKeys: readonly K[],
  accessKeyId: string,
): K | undefined {
  return accessKeys.find((accessKey) => accessKey.accessKeyId === accessKeyId);
}

/** Young enough for Parameter Store and IAM not to show all of it yet. */
export function isYoung({ createDate }: AccessKey): boolean {
  return Date.now() - createDate.getTime() < YOUNG_MS;
}

export function notFound(accessKeyId: string): HandlerError {
  return new HandlerError('NotFound', `there is no access key ${accessKeyId} in this account`);
}

function tooSlow(why: string): HandlerError {
  return new HandlerError('Throttling', `${why}; and IAM is too slow to look at all users`);
}

function toAccessKey({ AccessKeyId, UserName, Status, CreateDate }: AccessKeyMetadata): AccessKey {
  return {
    accessKeyId: present(AccessKeyId),
    userName: present(UserName),
    status: present(Status) as Status,
    createDate: present(CreateDate),
  };
}
