import { AccessKeys, toStatus, type AccessKey } from '../aws/access-keys.ts';
import { AllUsers } from '../aws/all-users.ts';
import { parseJson } from '../runtime/json.ts';
import { HandlerError, ifFound, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/** Lists all users' keys, one page of users at a time, or one user's keys. Never with a secret. */
export async function list(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { userName } = request.model;
  if (userName !== undefined) {
    if (request.nextToken !== undefined) throw foreignToken();
    return page((await ifFound(new AccessKeys(session).list(userName))) ?? []);
  }
  const marker = request.nextToken === undefined ? undefined : toMarker(request.nextToken);
  const { accessKeys, marker: nextMarker } = await new AllUsers(session).keysOfPage(marker);
  return page(accessKeys, nextMarker);
}

function page(accessKeys: readonly AccessKey[], marker?: string): ProgressEvent<Model> {
  const resourceModels = accessKeys.map((accessKey) => ({
    userName: accessKey.userName,
    status: toStatus(accessKey),
    id: accessKey.accessKeyId,
    createDate: accessKey.createDate.toISOString(),
  }));
  return {
    status: 'SUCCESS',
    resourceModels,
    ...(marker !== undefined && { nextToken: toToken(marker) }),
  };
}

/** IAM's marker is not CloudFormation's token: wrapped, a token of another type is told from ours. */
function toToken(marker: string): string {
  return Buffer.from(JSON.stringify({ marker })).toString('base64url');
}

function toMarker(token: string): string {
  const { marker } = parseJson(Buffer.from(token, 'base64url').toString());
  if (typeof marker === 'string' && toToken(marker) === token) return marker;
  throw foreignToken();
}

function foreignToken(): HandlerError {
  return new HandlerError('InvalidRequest', 'the next token does not continue this list');
}
