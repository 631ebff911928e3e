import { AccessKeys, notFound, type AccessKey } from './access-keys.ts';
import { refuseUserOutOfScope } from './guardrails.ts';
import { toModel, toWritable, type Model, type Request, type Status } from './model.ts';
import { HandlerError, succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import { toPropertyName } from './runtime/request.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore, type StoredRecord } from './secret-store.ts';
import { resumeStabilization, startStabilization, waitFor } from './stabilization.ts';
import { Users } from './users.ts';

/** Sets the key's status and description, which change without a new key. */
export async function update(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, callbackContext, typeConfiguration } = request;
  const { id: accessKeyId = '', description } = model;
  const status = model.status as Status;
  const accessKeys = new AccessKeys(session);
  const users = new Users(session);

  const record = await new SecretStore(session, typeConfiguration).find(accessKeyId);
  const found = await accessKeys.find(accessKeyId, record?.userName ?? model.userName);
  if (!found) throw notFound(accessKeyId);
  const { userName } = found;
  const observe = () =>
    Promise.all([
      accessKeys.find(accessKeyId, userName),
      users.findDescription(userName, accessKeyId),
    ]);

  if (!callbackContext) {
    refuseReplacement(request, record, found);
    const isReactivated = found.status === 'Inactive' && status === 'Active';
    if (isReactivated) await refuseUserOutOfScope(userName, typeConfiguration, users);
    await accessKeys.update(userName, accessKeyId, status);
    const previous = await users.findDescription(userName, accessKeyId);
    if (description !== previous) await users.setDescription(userName, accessKeyId, description);
  }

  const stabilization = callbackContext
    ? resumeStabilization(callbackContext)
    : startStabilization(userName, accessKeyId);
  const [accessKey, shownDescription] = await observe();
  if (accessKey?.status === status && shownDescription === description) {
    return succeeded(toModel(accessKey, record, description, request));
  }
  const awaited = accessKey?.status === status ? 'with its description' : `as ${status}`;
  const pending = { ...toWritable(model), id: accessKeyId };
  return waitFor(`IAM does not list it ${awaited}`, stabilization, pending);
}

/** CloudFormation replaces the key for these by itself; other callers have to be told. */
function refuseReplacement(
  { model, previousModel }: Request,
  record: StoredRecord | undefined,
  accessKey: AccessKey,
): void {
  const before: Model = record ?? { userName: accessKey.userName, ...previousModel };
  for (const name of ['userName', 'serial', 'secretId'] as const) {
    const isUnchanged = model[name] === undefined || model[name] === before[name];
    const isUnknown = !record && before[name] === undefined;
    if (isUnchanged || isUnknown) continue;
    throw new HandlerError(
      'NotUpdatable',
      `updating access key ${model.id}: ${toPropertyName(name)} cannot change ` +
        `from ${before[name] ?? '(none)'} to ${model[name]} without a new key`,
    );
  }
}
