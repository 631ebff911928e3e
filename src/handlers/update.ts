import { toStatus } from '../aws/access-keys.ts';
import { isOfType } from '../aws/records.ts';
import { Services } from '../aws/services.ts';
import { resumeStabilization, stabilize, startStabilization } from '../aws/waiting.ts';
import { getResource } from '../resource/find.ts';
import { toModel, toPending } from '../resource/what-read-returns.ts';
import { findNotShown } from '../resource/shown.ts';
import { refuseDescription } from '../rules/description-characters.ts';
import { refuseExpired } from '../rules/expired.ts';
import { refuseReplacement } from '../rules/replacement.ts';
import { refuseForeignKeyOutOfScope, refuseUserOutOfScope } from '../rules/user-scope.ts';
import { succeeded, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/**
 * Sets the key's description and, where it changes, its status, without a new key. A key that somebody
 * switched off by hand stays off, unless the template itself goes from Inactive to Active.
 */
export async function update(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, previousModel, callbackContext } = request;
  const { id: accessKeyId = '', status = 'Active', description } = model;
  const services = new Services(request, session);
  const { accessKeys, users, descriptions } = services;

  refuseDescription(description);
  const { accessKey, record } = await getResource(model, services, () => Promise.resolve());
  const { userName } = accessKey;
  const before = previousModel ? (previousModel.status ?? 'Active') : toStatus(accessKey);
  const isStatusLeft = status === 'Active' && before === 'Active';
  if (!callbackContext) {
    if (!isOfType(record))
      await refuseForeignKeyOutOfScope(userName, request.typeConfiguration, users);
    refuseReplacement(request, record, accessKey);
    const isChanged = before !== status || toStatus(accessKey) !== status;
    const isStatusSent = isChanged && !isStatusLeft && accessKey.status !== 'Expired';
    if (status === 'Active' && !request.isRollback) {
      refuseExpired(accessKey);
      if (isStatusSent) await refuseUserOutOfScope(userName, request.typeConfiguration, users);
    }
    await Promise.all([
      descriptions.set(userName, accessKeyId, description),
      isStatusSent ? accessKeys.update(userName, accessKeyId, status) : undefined,
    ]);
  }

  const stabilization = callbackContext
    ? resumeStabilization(callbackContext)
    : startStabilization(userName, accessKeyId);
  return stabilize(stabilization, toPending(model, accessKeyId), async () => {
    const [shown, shownDescription] = await Promise.all([
      accessKeys.find(userName, accessKeyId),
      descriptions.find(userName, accessKeyId),
    ]);
    if (!shown) return 'IAM does not list it';
    const wanted = { status: isStatusLeft ? toStatus(shown) : status, description };
    const notShown = findNotShown(wanted, shown, shownDescription);
    return notShown ?? succeeded(toModel(shown, record, description, request));
  });
}
