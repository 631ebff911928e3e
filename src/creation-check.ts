import { byId } from './access-keys.ts';
import type { Services } from './creation.ts';
import { isTransient } from './errors.ts';
import { toModel, type Model, type Request, type Status } from './model.ts';
import { HandlerError, succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import { poll, type Stabilization } from './stabilization.ts';

/**
 * A secret in Secrets Manager is not read back: its key is tried while its secret is at hand. An
 * attempt that comes to the key later lets this time pass instead.
 */
const ACCEPTANCE_PATIENCE_MS = 30_000;

/**
 * Looks whether a new key is as it should be, and sets right what it can.
 *
 * @param knownSecret the secret access key, in the invocation that made the key.
 * @returns the final progress event, or what there still is to wait for.
 */
export async function checkCreated(
  request: Request,
  { accessKeys, store, users, secret }: Services,
  { userName, accessKeyId }: Stabilization,
  knownSecret: string | undefined,
): Promise<ProgressEvent<Model> | string> {
  const { clientRequestToken, model } = request;
  const { description } = model;
  const status = model.status as Status;
  const findRecord = store.find(accessKeyId);
  const isAccepted = async (): Promise<boolean | undefined> => {
    if (status === 'Inactive') return true;
    const secretAccessKey = knownSecret ?? (await findRecord)?.secretAccessKey;
    if (secretAccessKey === undefined) return undefined;
    const patience = secret ? ACCEPTANCE_PATIENCE_MS : 0;
    const accept = () => accessKeys.isAccepted(accessKeyId, secretAccessKey);
    return (await poll(patience, async () => (await accept()) || undefined)) ?? false;
  };
  try {
    const [listed, record, shownDescription, accepted] = await Promise.all([
      accessKeys.listIfThere(userName),
      findRecord,
      description === undefined ? undefined : users.findDescription(userName, accessKeyId),
      isAccepted(),
    ]);
    const accessKey = byId(listed ?? [], accessKeyId);
    if (!accessKey) return 'IAM does not list it';
    if (!record) return `Parameter Store does not return ${store.nameOf(accessKeyId)}`;
    if (accessKey.status !== status) {
      await accessKeys.update(userName, accessKeyId, status);
      return `IAM does not list it as ${status}`;
    }
    if (shownDescription !== description) {
      await users.setDescription(userName, accessKeyId, description);
      return 'IAM does not list it with its description';
    }
    const isOldEnough = Date.now() - accessKey.createDate.getTime() > ACCEPTANCE_PATIENCE_MS;
    if (!(accepted ?? (secret && isOldEnough))) {
      if (secret && knownSecret) throw neverAccepted(userName, accessKeyId);
      return 'STS does not accept it';
    }
    await secret?.makeCurrent(accessKeyId);
    await store.deleteIntent(clientRequestToken);
    return succeeded(toModel(accessKey, record, description, request));
  } catch (error) {
    if (isTransient(error)) return (error as Error).message;
    throw error;
  }
}

function neverAccepted(userName: string, accessKeyId: string): HandlerError {
  return new HandlerError(
    'NotStabilized',
    `waiting for access key ${accessKeyId} of user ${userName}: ` +
      `after ${ACCEPTANCE_PATIENCE_MS / 1000} seconds STS does not accept it`,
  );
}
