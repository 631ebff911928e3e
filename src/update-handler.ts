import { AccessKeys, notFound, type AccessKey } from './access-keys.ts';
import { isTransient } from './errors.ts';
import { refuseUserOutOfScope } from './guardrails.ts';
import { isSameUser, toModel, toWritable, type Model, type Request, type Status } from './model.ts';
import { HandlerError, succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import { toPropertyName } from './runtime/request.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore, type StoredRecord } from './secret-store.ts';
import { resumeStabilization, startStabilization, waitFor } from './stabilization.ts';
import { refuseDescription, Users } from './users.ts';

/** Sets the key's status and description, which change without a new key. */
export async function update(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, callbackContext, typeConfiguration } = request;
  const { id: accessKeyId = '', description } = model;
  const status = model.status as Status;
  const accessKeys = new AccessKeys(session);
  const users = new Users(session);

  refuseDescription(description);
  const store = new SecretStore(session, typeConfiguration);
  const shown = await store.find(accessKeyId);
  const found = await accessKeys.find(accessKeyId, shown?.userName ?? model.userName);
  if (!found) throw notFound(accessKeyId);
  const { userName } = found;
  const record = shown ?? (await store.findLate(found));
  if (!callbackContext) {
    refuseReplacement(request, record, found);
    const isReactivated = found.status === 'Inactive' && status === 'Active';
    if (isReactivated) await refuseUserOutOfScope(userName, typeConfiguration, users);
    await Promise.all([
      users.setDescription(userName, accessKeyId, description),
      accessKeys.update(userName, accessKeyId, status),
    ]);
  }

  const stabilization = callbackContext
    ? resumeStabilization(callbackContext)
    : startStabilization(userName, accessKeyId);
  const pending = { ...toWritable(model), id: accessKeyId };
  try {
    const [accessKey, shownDescription] = await Promise.all([
      accessKeys.find(accessKeyId, userName),
      users.findDescription(userName, accessKeyId),
    ]);
    if (accessKey?.status !== status) {
      return waitFor(`IAM does not list it as ${status}`, stabilization, pending);
    }
    if (shownDescription !== description) {
      return waitFor('IAM does not list it with its description', stabilization, pending);
    }
    return succeeded(toModel(accessKey, record, description, request));
  } catch (error) {
    if (!isTransient(error)) throw error;
    return waitFor((error as Error).message, stabilization, pending);
  }
}

/** CloudFormation replaces the key for these by itself; other callers have to be told. */
function refuseReplacement(
  { model, previousModel }: Request,
  record: StoredRecord | undefined,
  accessKey: AccessKey,
): void {
  // A record without a user is one that somebody wrote over: it says nothing.
  const known = record?.userName === undefined ? undefined : record;
  const before: Model = known ?? { userName: accessKey.userName, ...previousModel };
  for (const name of ['userName', 'serial', 'secretId'] as const) {
    const isUnchanged = model[name] === undefined || model[name] === before[name];
    const isOwner = name === 'userName' && isSameUser(model.userName, accessKey.userName);
    const isUnknown = !known && before[name] === undefined;
    if (isUnchanged || isOwner || isUnknown) continue;
    throw new HandlerError(
      'NotUpdatable',
      `updating access key ${model.id}: ${toPropertyName(name)} cannot change ` +
        `from ${before[name] ?? '(none)'} to ${model[name]} without a new key`,
    );
  }
}
