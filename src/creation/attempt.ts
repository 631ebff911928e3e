import { randomUUID } from 'node:crypto';
import type { Intent } from '../aws/intents.ts';
import type { Services } from '../aws/services.ts';
import type { Target } from '../resource/removal.ts';
import type { Request } from '../schema.ts';

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

  /** The intent of this attempt, as it stands before CreateAccessKey. */
  intent(accessKeyIds: readonly string[], discarding?: string): Intent {
    const { stackId, logicalResourceId, model } = this.request;
    const { userName } = this;
    const whose = { userName, stackId, logicalResourceId, secretId: model.secretId };
    return { attemptId: this.id, ...whose, accessKeyIds, discarding };
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
