import { Services } from '../aws/services.ts';
import { resumeStabilization, stabilize, startStabilization } from '../aws/waiting.ts';
import { getResource } from '../resource/find.ts';
import { toModel, toPending } from '../resource/returned-model.ts';
import { findNotShown } from '../resource/shown.ts';
import { refuseDescription } from '../rules/description.ts';
import { refuseReplacement } from '../rules/replacement.ts';
import { refuseUserOutOfScope } from '../rules/user-scope.ts';
import { succeeded, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/** Sets the key's status and description, which change without a new key. */
export async function update(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, callbackContext, typeConfiguration } = request;
  const { id: accessKeyId = '', status = 'Active', description } = model;
  const services = new Services(request, session);
  const { accessKeys, users } = services;

  refuseDescription(description);
  const { accessKey, record } = await getResource(model, services, () => Promise.resolve());
  const { userName } = accessKey;
  if (!callbackContext) {
    refuseReplacement(request, record, accessKey);
    const isReactivated = accessKey.status === 'Inactive' && status === 'Active';
    if (isReactivated) await refuseUserOutOfScope(userName, typeConfiguration, users);
    await Promise.all([
      users.setDescription(userName, accessKeyId, description),
      accessKeys.update(userName, accessKeyId, status),
    ]);
  }

  const stabilization = callbackContext
    ? resumeStabilization(callbackContext)
    : startStabilization(userName, accessKeyId);
  return stabilize(stabilization, toPending(model, model.id), async () => {
    const [shown, shownDescription] = await Promise.all([
      accessKeys.find(userName, accessKeyId),
      users.findDescription(userName, accessKeyId),
    ]);
    const notShown = findNotShown(model, shown, shownDescription);
    if (!shown || notShown !== undefined) return notShown ?? '';
    return succeeded(toModel(shown, record, description, request));
  });
}
