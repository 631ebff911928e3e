import { AccessKeys, byId, notFound } from './access-keys.ts';
import { isTransient } from './errors.ts';
import { isSameUser, type Model, type Request } from './model.ts';
import { hasErrorCode, succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore } from './secret-store.ts';
import { SecretVersions } from './secret-versions.ts';
import {
  resumeStabilization,
  startStabilization,
  waitFor,
  type Stabilization,
} from './stabilization.ts';
import { Users } from './users.ts';

/**
 * Deletes the key, its description and its parameter, and is done when IAM no longer lists the key.
 * A parameter without a key is what an interrupted DELETE leaves: deleting it finishes that DELETE.
 * Readers of the key's secret get the key before it first, if that is still there.
 */
export async function remove(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { id: accessKeyId = '', userName } = request.model;
  const accessKeys = new AccessKeys(session);
  if (request.callbackContext) {
    return confirm(accessKeys, resumeStabilization(request.callbackContext));
  }

  const store = new SecretStore(session, request.typeConfiguration);
  const record = await store.find(accessKeyId);
  const supposedOwner = record?.userName ?? userName;
  const secretId = record?.secretId ?? request.model.secretId;
  if (secretId !== undefined) {
    const isAlive = async (id: string) => (await accessKeys.find(id, supposedOwner)) !== undefined;
    await new SecretVersions(session, secretId).retire(accessKeyId, isAlive);
  }

  const users = new Users(session);
  const deleteKeyOf = async (user: string) => {
    let outcome: Awaited<ReturnType<typeof accessKeys.delete>> = 'absent';
    try {
      outcome = await accessKeys.delete(user, accessKeyId);
    } catch (error) {
      if (!hasErrorCode(error, 'AccessDenied')) throw error;
      // A role narrowed to a path is denied what concerns a user who is gone, too.
      const listed = await accessKeys.listIfThere(user);
      if (byId(listed ?? [], accessKeyId)) throw error;
      if (!listed) return outcome;
    }
    await users.deleteDescription(user, accessKeyId);
    return outcome;
  };
  let owner = supposedOwner;
  let outcome = owner === undefined ? 'absent' : await deleteKeyOf(owner);
  if (outcome !== 'deleted') {
    const found = await accessKeys.find(accessKeyId, owner);
    if (found && !isSameUser(owner, found.userName)) {
      owner = found.userName;
      outcome = await deleteKeyOf(owner);
    }
  }
  if (outcome === 'absent' && !record) throw notFound(accessKeyId);
  await store.delete(accessKeyId);
  if (owner === undefined) return succeeded();
  return confirm(accessKeys, startStabilization(owner, accessKeyId));
}

async function confirm(
  accessKeys: AccessKeys,
  stabilization: Stabilization,
): Promise<ProgressEvent<Model>> {
  const { accessKeyId, userName } = stabilization;
  const model = { id: accessKeyId, userName };
  try {
    const listed = await accessKeys.listIfThere(userName);
    if (!listed || !byId(listed, accessKeyId)) return succeeded();
    return waitFor('IAM still lists it', stabilization, model);
  } catch (error) {
    if (!isTransient(error)) throw error;
    return waitFor(`IAM does not answer: ${(error as Error).message}`, stabilization, model);
  }
}
