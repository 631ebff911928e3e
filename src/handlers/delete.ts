import { notFound } from '../aws/access-keys.ts';
import { isOfType, type StoredRecord } from '../aws/records.ts';
import { Services } from '../aws/services.ts';
import {
  resumeStabilization,
  stabilize,
  startStabilization,
  type Stabilization,
} from '../aws/waiting.ts';
import { findKey } from '../resource/find.ts';
import { takeAway } from '../resource/removal.ts';
import { supersede, takePreviousAway } from '../resource/superseding.ts';
import { hasForeignScope, refuseForeignKeyOutOfScope } from '../rules/user-scope.ts';
import { succeeded, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, Request } from '../schema.ts';

/**
 * Deletes the key, its description and its record, and is done when IAM no longer lists the key. A
 * record without a key is what an interrupted DELETE leaves: deleting it finishes that DELETE. A
 * superseded key goes with its successor. A key whose successor keeps it as its PreviousKey lives on.
 */
export async function remove(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { model, callbackContext, typeConfiguration } = request;
  const { id: accessKeyId = '' } = model;
  const services = new Services(request, session);
  if (callbackContext) return confirm(services, resumeStabilization(callbackContext));

  const record = await services.records.find(accessKeyId);
  if (record && (await supersede(accessKeyId, record, services))) return succeeded();
  if (!isOfType(record) && hasForeignScope(typeConfiguration))
    await refuseForeignKey(request, record, services);
  const takePrevious = async () => {
    if (record) await takePreviousAway(accessKeyId, record, services);
  };
  await takePrevious();
  const { wasThere, userName, error } = await takeAway(
    {
      accessKeyId,
      userName: record?.userName ?? model.userName,
      secretId: model.secretId ?? record?.secretId,
      isSecretUncertain: model.secretId === undefined,
      isDescribed: true,
      isRecorded: record !== undefined,
      hasIntent: false,
      isConfirmed: false,
    },
    services,
    // A DELETE of that key which ran beside this one may have let it live on.
    takePrevious,
  );
  if (error !== undefined) throw error as Error;
  if (!wasThere) throw notFound(accessKeyId);
  if (userName === undefined) return succeeded();
  return confirm(services, startStabilization(userName, accessKeyId));
}

/** What the type made can always be deleted; what was imported obeys the guardrails. */
async function refuseForeignKey(
  { model, typeConfiguration }: Request,
  record: StoredRecord | undefined,
  services: Services,
): Promise<void> {
  const { id: accessKeyId = '', userName, secretId } = model;
  const accessKey = await findKey(accessKeyId, userName, services);
  if (!accessKey && record === undefined && secretId === undefined) throw notFound(accessKeyId);
  if (!accessKey || (!record && (await services.records.findLate(accessKey)))) return;
  await refuseForeignKeyOutOfScope(accessKey.userName, typeConfiguration, services.users);
}

async function confirm(
  { accessKeys }: Services,
  stabilization: Stabilization,
): Promise<ProgressEvent<Model>> {
  const { accessKeyId, userName } = stabilization;
  return stabilize(stabilization, { id: accessKeyId, userName }, async () => {
    const accessKey = await accessKeys.find(userName, accessKeyId);
    return accessKey ? 'IAM still lists it' : succeeded();
  });
}
