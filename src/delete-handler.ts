import { AccessKeys, byId, notFound } from './access-keys.ts';
import { isTransient } from './errors.ts';
import type { Model, Request } from './model.ts';
import { succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore } from './secret-store.ts';
import {
  resumeStabilization,
  startStabilization,
  waitFor,
  type Stabilization,
} from './stabilization.ts';

/**
 * Deletes the key, then its parameter, and is done when IAM no longer lists the key. A parameter
 * without a key is what an interrupted DELETE leaves: deleting it finishes that DELETE.
 */
export async function remove(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { id: accessKeyId = '', userName } = request.model;
  const accessKeys = new AccessKeys(session);
  if (request.callbackContext)
    return confirm(accessKeys, resumeStabilization(request.callbackContext));

  const store = new SecretStore(session, request.typeConfiguration);
  const record = await store.find(accessKeyId);
  const supposedOwner = record?.userName ?? userName;
  const owner = await deleteKey(accessKeys, accessKeyId, supposedOwner);
  if (owner === undefined && !record) throw notFound(accessKeyId);
  if (record) await store.delete(accessKeyId);
  return confirm(accessKeys, startStabilization(owner ?? supposedOwner ?? '', accessKeyId));
}

/** @returns the user whose key was deleted; undefined where there was no such key. */
async function deleteKey(
  accessKeys: AccessKeys,
  accessKeyId: string,
  supposedOwner: string | undefined,
): Promise<string | undefined> {
  if (supposedOwner !== undefined && (await accessKeys.delete(supposedOwner, accessKeyId)))
    return supposedOwner;
  const found = await accessKeys.find(accessKeyId, supposedOwner);
  return found && (await accessKeys.delete(found.userName, accessKeyId))
    ? found.userName
    : undefined;
}

async function confirm(
  accessKeys: AccessKeys,
  stabilization: Stabilization,
): Promise<ProgressEvent<Model>> {
  const { accessKeyId, userName } = stabilization;
  try {
    const listed = await accessKeys.listIfThere(userName);
    if (!listed || !byId(listed, accessKeyId)) return succeeded();
    return waitFor('IAM still lists it', stabilization, { id: accessKeyId, userName });
  } catch (error) {
    if (!isTransient(error)) throw error;
    return waitFor(`IAM does not answer: ${(error as Error).message}`, stabilization, {
      id: accessKeyId,
      userName,
    });
  }
}
