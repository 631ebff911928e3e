import { AccessKeys, byId, isYoung, type AccessKey, type NewAccessKey } from './access-keys.ts';
import { Creation } from './creation.ts';
import { isTransient } from './errors.ts';
import { toModel, type Model, type Request, type Status } from './model.ts';
import { HandlerError, succeeded, type ProgressEvent } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore, type StoredRecord } from './secret-store.ts';
import {
  poll,
  RECORD_PATIENCE_MS,
  resumeStabilization,
  startStabilization,
  waitFor,
  type Stabilization,
} from './stabilization.ts';

/**
 * Makes one access key per client request token, however often it is called with it, and records
 * its secret. Done when READ would return the key and, for an active one, when AWS accepts it.
 */
export async function create(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { clientRequestToken, callbackContext, model } = request;
  const userName = model.userName ?? '';
  const accessKeys = new AccessKeys(session);
  const store = new SecretStore(session, request.typeConfiguration);
  const creation = new Creation(request, userName, accessKeys, store);

  const stabilize = async (stabilization: Stabilization, secretAccessKey?: string) => {
    try {
      const done = await check(request, accessKeys, store, stabilization, secretAccessKey);
      if (typeof done !== 'string') return done;
      const { accessKeyId: id } = stabilization;
      return waitFor(done, stabilization, { userName, status: model.status, id });
    } catch (error) {
      return creation.undo(error, stabilization.accessKeyId);
    }
  };
  if (callbackContext) return stabilize(resumeStabilization(callbackContext));

  const before = await accessKeys.list(userName);
  const { records, intent } = await findRecords(before, clientRequestToken, store);
  const finished = before.find(
    ({ accessKeyId }) => records.get(accessKeyId)?.clientRequestToken === clientRequestToken,
  );
  if (!finished) refuseSerial(request, records);
  const accessKey: AccessKey & Partial<NewAccessKey> =
    finished ?? (await creation.makeKey(before, intent));
  return stabilize(
    startStabilization(accessKey.userName, accessKey.accessKeyId),
    accessKey.secretAccessKey,
  );
}

/** The record of a young key may be on its way: that of a sibling, or this operation's own. */
async function findRecords(
  accessKeys: readonly AccessKey[],
  clientRequestToken: string,
  store: SecretStore,
) {
  const ids = accessKeys.map(({ accessKeyId }) => accessKeyId);
  const find = () => store.findAll(ids, clientRequestToken);
  const first = await find();
  const isAwaited = (records: ReadonlyMap<string, StoredRecord>) =>
    accessKeys.some((accessKey) => isYoung(accessKey) && !records.has(accessKey.accessKeyId));
  if (first.intent || !isAwaited(first.records)) return first;
  const complete = await poll(RECORD_PATIENCE_MS, async () => {
    const found = await find();
    return isAwaited(found.records) ? undefined : found;
  });
  return complete ?? find();
}

/** A serial says which of two keys of one resource is the newer; without one nothing is said. */
function refuseSerial(request: Request, records: ReadonlyMap<string, StoredRecord>): void {
  const { model, stackId, logicalResourceId } = request;
  if (stackId === undefined || logicalResourceId === undefined) return;
  for (const [accessKeyId, record] of records) {
    if (record.serial === undefined || record.stackId !== stackId) continue;
    if (record.logicalResourceId !== logicalResourceId || (model.serial ?? -1) > record.serial)
      continue;
    throw new HandlerError(
      'InvalidRequest',
      `creating access key for user ${model.userName}: Serial ${model.serial ?? '(none)'} is not higher than ` +
        `Serial ${record.serial} of ${logicalResourceId}'s access key ${accessKeyId}; increment it to rotate the key`,
    );
  }
}

/** @returns the final progress event, or what there still is to wait for. */
async function check(
  request: Request,
  accessKeys: AccessKeys,
  store: SecretStore,
  { userName, accessKeyId }: Stabilization,
  knownSecret: string | undefined,
): Promise<ProgressEvent<Model> | string> {
  const status = request.model.status as Status;
  const findRecord = store.find(accessKeyId);
  const isAccepted = async () => {
    const secretAccessKey = knownSecret ?? (await findRecord)?.secretAccessKey;
    return secretAccessKey !== undefined && accessKeys.isAccepted(accessKeyId, secretAccessKey);
  };
  try {
    const [listed, record, accepted] = await Promise.all([
      accessKeys.listIfThere(userName),
      findRecord,
      status === 'Active' ? isAccepted() : true,
    ]);
    const accessKey = byId(listed ?? [], accessKeyId);
    if (!accessKey) return 'IAM does not list it';
    if (!record) return `Parameter Store does not return ${store.nameOf(accessKeyId)}`;
    if (accessKey.status !== status) {
      await accessKeys.update(userName, accessKeyId, status);
      return `IAM does not list it as ${status}`;
    }
    if (!accepted) return 'STS does not accept it';
    await store.deleteIntent(request.clientRequestToken);
    return succeeded(toModel(accessKey, record, request));
  } catch (error) {
    if (isTransient(error)) return (error as Error).message;
    throw error;
  }
}
