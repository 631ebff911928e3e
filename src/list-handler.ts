import { AccessKeys, type AccessKey } from './access-keys.ts';
import type { Model, Request } from './model.ts';
import { HandlerError, type ProgressEvent } from './runtime/progress-event.ts';
import { asJson } from './runtime/request.ts';
import type { Session } from './runtime/session.ts';

/** Lists all users' keys, one page of users at a time, or one user's keys. Never with a secret. */
export async function list(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const accessKeys = new AccessKeys(session);
  const { userName } = request.model;
  if (userName !== undefined) {
    if (request.nextToken !== undefined) throw foreignToken();
    return page((await accessKeys.listIfThere(userName)) ?? []);
  }
  const marker = request.nextToken === undefined ? undefined : toMarker(request.nextToken);
  const { accessKeys: listed, marker: nextMarker } = await accessKeys.listPage(marker);
  return page(listed, nextMarker);
}

function page(accessKeys: readonly AccessKey[], marker?: string): ProgressEvent<Model> {
  const resourceModels = accessKeys.map(({ accessKeyId, userName, status, createDate }) => ({
    userName,
    status,
    id: accessKeyId,
    createDate: createDate.toISOString(),
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
  try {
    const marker = asJson(JSON.parse(Buffer.from(token, 'base64url').toString()))?.marker;
    if (typeof marker === 'string' && toToken(marker) === token) return marker;
  } catch {
    // Not even JSON.
  }
  throw foreignToken();
}

function foreignToken(): HandlerError {
  return new HandlerError('InvalidRequest', 'the next token does not continue this list');
}
