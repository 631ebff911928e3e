import { Services } from '../aws/services.ts';
import { PATIENCE, poll, resumeStabilization, startStabilization } from '../aws/waiting.ts';
import { Attempt } from '../creation/attempt.ts';
import { create as createKey } from '../creation/flow.ts';
import { findKeyOfRequest, isRecordOfRequest } from '../resource/ownership.ts';
import { refuseDescription } from '../rules/description-characters.ts';
import { refuseSecretKeys } from '../rules/secret-keys.ts';
import { refuseUserOutOfScope } from '../rules/user-scope.ts';
import { HandlerError, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/**
 * Makes one access key per client request token, however often it is called with it, and records
 * its secret. Done when READ would return the key and, for an active one, when AWS accepts it.
 */
export async function create(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, callbackContext } = request;
  const attempt = new Attempt(request, new Services(request, session));
  if (callbackContext) {
    const stabilization = resumeStabilization(callbackContext);
    return createKey(attempt, { name: 'Recorded', stabilization });
  }
  refuseDescription(model.description);
  refuseSecretKeys(model);
  if (model.id === undefined) return createKey(attempt);
  await refuseForeignId(model.id, attempt);
  const stabilization = startStabilization(attempt.userName, model.id);
  return createKey(attempt, { name: 'Recorded', stabilization });
}

/** The model of an IN_PROGRESS may come again without its callback context, but not another's Id. */
async function refuseForeignId(accessKeyId: string, attempt: Attempt): Promise<void> {
  const { request, services, userName } = attempt;
  const { accessKeys, records, users } = services;
  const record = await poll(PATIENCE.record, () => records.find(accessKeyId));
  const isOwn =
    isRecordOfRequest(request, record) &&
    (await poll(PATIENCE.unknown, async () => {
      const accessKey = await accessKeys.find(userName, accessKeyId);
      return (
        accessKey &&
        findKeyOfRequest(request, [accessKey], new Map([[accessKeyId, record ?? {}]]), services)
      );
    }));
  if (!isOwn) throw new HandlerError('InvalidRequest', 'Id is read-only and cannot be set');
  await refuseUserOutOfScope(userName, request.typeConfiguration, users);
}
