import { AccessKeys, notFound, type AccessKey } from './access-keys.ts';
import { toModel, type Model, type Request, type Status } from './model.ts';
import { HandlerError, succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import { toPropertyName } from './runtime/request.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore, type StoredRecord } from './secret-store.ts';
import { resumeStabilization, startStabilization, waitFor } from './stabilization.ts';

/** Sets the key's status, the one property that changes without a new key. */
export async function update(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { id: accessKeyId = '', userName } = request.model;
  const status = request.model.status as Status;
  const accessKeys = new AccessKeys(session);

  const record = await new SecretStore(session, request.typeConfiguration).find(accessKeyId);
  const found = await accessKeys.find(accessKeyId, record?.userName ?? userName);
  if (!found) throw notFound(accessKeyId);
  refuseReplacement(request, record, found);

  const stabilization = request.callbackContext
    ? resumeStabilization(request.callbackContext)
    : startStabilization(found.userName, accessKeyId);
  if (!request.callbackContext) await accessKeys.update(found.userName, accessKeyId, status);

  const accessKey = request.callbackContext
    ? found
    : await accessKeys.find(accessKeyId, found.userName);
  const model = toModel({ ...found, status }, record, request);
  if (accessKey?.status === status) return succeeded(model);
  return waitFor(`IAM does not list it as ${status}`, stabilization, {
    ...model,
    secretAccessKey: undefined,
  });
}

/** CloudFormation replaces the key for these by itself; other callers have to be told. */
function refuseReplacement(
  { model, previousModel }: Request,
  record: StoredRecord | undefined,
  accessKey: AccessKey,
): void {
  const before: Model = record ?? { userName: accessKey.userName, ...previousModel };
  for (const name of ['userName', 'serial'] as const) {
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
