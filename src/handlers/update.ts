import { isOfType } from '../aws/records.ts';
import { Services } from '../aws/services.ts';
import { resumeStabilization, stabilize, startStabilization } from '../aws/waiting.ts';
import { getResource } from '../resource/find.ts';
import { findPrevious, toPreviousKey } from '../resource/previous-key.ts';
import { findNotShown } from '../resource/shown.ts';
import { send, toStatusChange } from '../resource/status-change.ts';
import { setPreviousKey } from '../resource/superseding.ts';
import { toModel, toPending } from '../resource/what-read-returns.ts';
import { refuseDescription } from '../rules/description-characters.ts';
import { refuseExpired } from '../rules/expired.ts';
import { refuseReplacement } from '../rules/replacement.ts';
import { refuseForeignKeyOutOfScope, refuseUserOutOfScope } from '../rules/user-scope.ts';
import { succeeded, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/**
 * Sets the key's description and, where they change, its status and what becomes of the previous key,
 * without a new key.
 */
export async function update(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, previousModel, callbackContext, typeConfiguration, isRollback } = request;
  const { id: accessKeyId = '', status = 'Active', description, previousKey = 'Deleted' } = model;
  const services = new Services(request, session);
  const { accessKeys, users, descriptions } = services;

  refuseDescription(description);
  const { accessKey, record } = await getResource(model, services, () => Promise.resolve());
  const { userName } = accessKey;
  const previous = await findPrevious(accessKey, record, services);
  const before = previousModel && toDeclared(previousModel);
  const change = toStatusChange(accessKey, before?.status, status);
  const changeOfPrevious =
    previous?.isSuperseded && previousKey !== 'Deleted'
      ? toStatusChange(previous.accessKey, before?.previousKey, previousKey)
      : undefined;
  // What somebody else wrote is not written over.
  let recorded = isOfType(record) && !record?.kmsFailure ? record : undefined;
  if (!callbackContext) {
    if (record?.kmsFailure && before && before.previousKey !== previousKey) throw record.kmsFailure;
    if (!isOfType(record)) await refuseForeignKeyOutOfScope(userName, typeConfiguration, users);
    refuseReplacement(request, record, accessKey);
    if (!isRollback) {
      if (status === 'Active') refuseExpired(accessKey);
      if (changeOfPrevious?.status === 'Active') refuseExpired(changeOfPrevious.accessKey);
      const isActivated = [change, changeOfPrevious].some(
        (each) => each?.isSent && each.status === 'Active',
      );
      if (isActivated) await refuseUserOutOfScope(userName, typeConfiguration, users);
    }
    await Promise.all([
      descriptions.set(userName, accessKeyId, description),
      send(change, services),
    ]);
    if (recorded) {
      recorded = await setPreviousKey(
        accessKey,
        recorded,
        previous,
        model.previousKey,
        changeOfPrevious,
        services,
      );
    }
  }

  const stabilization = callbackContext
    ? resumeStabilization(callbackContext)
    : startStabilization(userName, accessKeyId);
  return stabilize(stabilization, toPending(model, accessKeyId), async () => {
    const [shown, shownDescription, shownPrevious] = await Promise.all([
      accessKeys.find(userName, accessKeyId),
      descriptions.find(userName, accessKeyId),
      findPrevious(accessKey, recorded, services),
    ]);
    if (!shown) return 'IAM does not list it';
    const wanted = { status: change.status, description };
    const notShown = findNotShown(wanted, shown, shownDescription);
    if (notShown !== undefined) return notShown;
    const wantedOfPrevious = changeOfPrevious?.status ?? previousKey;
    if (recorded && (toPreviousKey(recorded, shownPrevious) ?? 'Deleted') !== wantedOfPrevious)
      return `IAM does not list the previous key as ${wantedOfPrevious}`;
    return succeeded(toModel(shown, recorded ?? record, description, request, shownPrevious));
  });
}

function toDeclared({ status = 'Active', previousKey = 'Deleted' }: Model) {
  return { status, previousKey };
}
