import { randomUUID } from 'node:crypto';
import type { AccessKey } from '../aws/access-keys.ts';
import type { Intent, StoredIntent } from '../aws/intents.ts';
import type { StoredRecord } from '../aws/records.ts';
import type { Services } from '../aws/services.ts';
import { isSameUser } from '../aws/users.ts';
import type { Target } from '../resource/removal.ts';
import type { Request } from '../schema.ts';

/** CloudFormation gives a CREATE five minutes, and repeats it a few times. */
const LONGEST_CREATE_MS = 60 * 60_000;

/** One invocation of CREATE. CloudFormation repeats it with the same token where it ends in vain. */
export class Attempt {
  readonly id = randomUUID();
  readonly request: Request;
  readonly services: Services;
  readonly userName: string;
  readonly token: string;

  constructor(request: Request, services: Services) {
    this.request = request;
    this.services = services;
    this.userName = request.model.userName ?? '';
    this.token = request.clientRequestToken;
  }

  get what(): string {
    return `creating access key for user ${this.userName}`;
  }

  /** The intent of this attempt, as it stands before CreateAccessKey. */
  intent(accessKeyIds: readonly string[], discarding?: string): Intent {
    const { stackId, logicalResourceId, model } = this.request;
    const { userName } = this;
    const whose = { userName, stackId, logicalResourceId, secretId: model.secretId };
    return { attemptId: this.id, ...whose, accessKeyIds, discarding };
  }

  /** What belongs to another request says nothing to this one, whoever wrote it. */
  owns(found: StoredIntent | StoredRecord | undefined): boolean {
    const { stackId, logicalResourceId, model } = this.request;
    return (
      isSameUser(found?.userName, this.userName) &&
      found?.stackId === stackId &&
      found?.logicalResourceId === logicalResourceId &&
      found?.secretId === model.secretId
    );
  }

  ownsRecord(record: StoredRecord | undefined): boolean {
    return this.owns(record) && record?.clientRequestToken === this.token && !record.isOverwritten;
  }

  /**
   * The key that this request has made and recorded, complete. Whoever may write parameters could name
   * another's: one that is older than a CREATE lasts, or that its secret does not have, is not it.
   */
  async findOwn(
    accessKeys: readonly AccessKey[],
    records: ReadonlyMap<string, StoredRecord>,
  ): Promise<AccessKey | undefined> {
    const { secretId } = this.request.model;
    const own = accessKeys.find(
      (accessKey) => this.ownsRecord(records.get(accessKey.accessKeyId)) && isRecent(accessKey),
    );
    if (!own || secretId === undefined) return own;
    const isDelivered = await this.services.secretVersions(secretId).has(own.accessKeyId);
    return isDelivered ? own : undefined;
  }

  /** What there may be of a key of this request. */
  target(accessKeyId: string, isConfirmed: boolean): Target {
    const { secretId, description } = this.request.model;
    return {
      accessKeyId,
      userName: this.userName,
      secretId,
      isDescribed: description !== undefined,
      isRecorded: true,
      hasIntent: true,
      isConfirmed,
    };
  }
}

/** What is older is of no CREATE that can still be repeated, whatever a parameter says. */
export function isRecent({ createDate }: AccessKey): boolean {
  return Date.now() - createDate.getTime() < LONGEST_CREATE_MS;
}
