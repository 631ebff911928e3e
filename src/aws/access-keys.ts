import {
  CreateAccessKeyCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  paginateListAccessKeys,
  UpdateAccessKeyCommand,
  type AccessKeyMetadata,
} from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { hasErrorCode, HandlerError, ifFound } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Status } from '../schema.ts';
import { callAws, present, says, wasRetried } from './errors.ts';
import { onlyAfterRefusal } from './retries.ts';
import { AGE } from './waiting.ts';

export interface AccessKey {
  readonly accessKeyId: string;
  /** As IAM spells it. */
  readonly userName: string;
  readonly status: Status | 'Expired';
  readonly createDate: Date;
}

export interface NewAccessKey extends AccessKey {
  readonly secretAccessKey: string;
}

export type DeletionOutcome = 'deleted' | 'absent' | 'userless' | 'unsure';

/** IAM answers NoSuchEntity for an unknown user and for an unknown key. */
const USER_IS_UNKNOWN = /^The user with name /;

const DAY_MS = 24 * 60 * 60 * 1000;

/** The access keys of IAM users. Every method throws HandlerError only. */
export class AccessKeys {
  readonly #session: Session;
  readonly #iam: IAMClient;

  constructor(session: Session) {
    this.#session = session;
    this.#iam = session.client(IAMClient);
  }

  /** @throws HandlerError NotFound for an unknown user. */
  async list(UserName: string, options?: { abortSignal: AbortSignal }): Promise<AccessKey[]> {
    return callAws(`listing access keys of user ${UserName}`, async () => {
      const accessKeys: AccessKey[] = [];
      const pages = paginateListAccessKeys({ client: this.#iam }, { UserName }, options);
      for await (const { AccessKeyMetadata } of pages) {
        accessKeys.push(...present(AccessKeyMetadata).map(toAccessKey));
      }
      return accessKeys;
    });
  }

  async find(userName: string, accessKeyId: string): Promise<AccessKey | undefined> {
    return byId((await ifFound(this.list(userName))) ?? [], accessKeyId);
  }

  /** Throws where the key may have been made, too: `isOutcomeUnknown` tells. */
  async create(userName: string): Promise<NewAccessKey> {
    const session = this.#session.with({ retryStrategy: onlyAfterRefusal() });
    return callAws(`creating access key for user ${userName}`, async () => {
      const { AccessKey } = await session.run(() =>
        this.#iam.send(new CreateAccessKeyCommand({ UserName: userName })),
      );
      const secretAccessKey = present(AccessKey?.SecretAccessKey);
      this.#session.log.conceal(secretAccessKey);
      return { ...toAccessKey(present(AccessKey)), secretAccessKey };
    });
  }

  /** Without UserName IAM would act on the caller's own keys. */
  async update(UserName: string, AccessKeyId: string, Status: Status): Promise<void> {
    await callAws(`setting access key ${AccessKeyId} of user ${UserName} to ${Status}`, () =>
      this.#iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status })),
    );
  }

  /**
   * Without UserName IAM would act on the caller's own keys.
   *
   * @returns `absent` where the user has no such key, `userless` where there is no such user; `unsure`
   *   where that is the answer to a retry, so that the first try may have deleted it.
   */
  async delete(UserName: string, AccessKeyId: string): Promise<DeletionOutcome> {
    try {
      await callAws(`deleting access key ${AccessKeyId} of user ${UserName}`, () =>
        this.#iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId })),
      );
      return 'deleted';
    } catch (error) {
      if (!hasErrorCode(error, 'NotFound')) throw error;
      if (wasRetried(error)) return 'unsure';
      return says(error, USER_IS_UNKNOWN) ? 'userless' : 'absent';
    }
  }

  /** Whether AWS accepts the key already; a new one takes some seconds to be known everywhere. */
  async isAccepted(accessKeyId: string, secretAccessKey: string): Promise<boolean> {
    const sts = this.#session.client(STSClient);
    const keyHolder = this.#session.with({ credentials: { accessKeyId, secretAccessKey } });
    try {
      await callAws(`using access key ${accessKeyId}`, () =>
        keyHolder.run(() => sts.send(new GetCallerIdentityCommand({}))),
      );
      return true;
    } catch (error) {
      if (hasErrorCode(error, 'AccessDenied', 'InvalidCredentials')) return false;
      throw error;
    }
  }
}

export function byId<K extends { accessKeyId: string }>(
  accessKeys: readonly K[],
  accessKeyId: string,
): K | undefined {
  return accessKeys.find((accessKey) => accessKey.accessKeyId === accessKeyId);
}

/** An expired key cannot be used, as an inactive one cannot; CloudFormation knows no third status. */
export function toStatus({ status }: Pick<AccessKey, 'status'>): Status {
  return status === 'Active' ? 'Active' : 'Inactive';
}

export function toIds(accessKeys: readonly AccessKey[]): string[] {
  return accessKeys.map(({ accessKeyId }) => accessKeyId);
}

export function describe(accessKeys: readonly AccessKey[]): string {
  const described = accessKeys.map(({ accessKeyId, status, createDate }) => {
    const days = Math.floor((Date.now() - createDate.getTime()) / DAY_MS);
    return `${accessKeyId} ${status}, ${days} days old`;
  });
  return described.join('; ');
}

/** Young enough for Parameter Store and IAM not to show all of it yet. */
export function isYoung({ createDate }: AccessKey): boolean {
  return Date.now() - createDate.getTime() < AGE.young;
}

export function notFound(accessKeyId: string): HandlerError {
  return new HandlerError('NotFound', `there is no access key ${accessKeyId} in this account`);
}

function toAccessKey({ AccessKeyId, UserName, Status, CreateDate }: AccessKeyMetadata): AccessKey {
  return {
    accessKeyId: present(AccessKeyId),
    userName: present(UserName),
    status: Status as AccessKey['status'],
    createDate: present(CreateDate),
  };
}
