import { AccessKeys, byId, isYoung, type AccessKey } from './access-keys.ts';
import { Creation, type Services } from './creation.ts';
import { isTransient } from './errors.ts';
import { refuseByRecords, refuseUserOutOfScope } from './guardrails.ts';
import { toModel, toWritable, type Model, type Request, type Status } from './model.ts';
import { succeeded, type ProgressEvent } from './runtime/progress-event.ts';
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
import { Users } from './users.ts';

/** A secret in Secrets Manager is not read back: its key is tried while its secret is at hand. */
const ACCEPTANCE_PATIENCE_MS = 30_000;

/**
 * Makes one access key per client request token, however often it is called with it, and records
 * its secret. Done when READ would return the key and, for an active one, when AWS accepts it.
 */
export async function create(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { clientRequestToken, callbackContext, model, typeConfiguration } = request;
  const userName = model.userName ?? '';
  const services = await openServices(request, session);
  const { accessKeys, store, users, secret } = services;
  const creation = new Creation(request, services);

  const stabilize = async (stabilization: Stabilization, secretAccessKey?: string) => {
    try {
      const done = await check(request, services, stabilization, secretAccessKey);
      if (typeof done !== 'string') return done;
      return waitFor(done, stabilization, { ...toWritable(model), id: stabilization.accessKeyId });
    } catch (error) {
      return creation.undo(error, stabilization.accessKeyId);
    }
  };
  if (callbackContext) return stabilize(resumeStabilization(callbackContext));

  const [before] = await Promise.all([
    accessKeys.list(userName),
    refuseUserOutOfScope(userName, typeConfiguration, users),
    secret?.refuseUnusable(),
  ]);
  const { records, intent } = await findRecords(before, clientRequestToken, store);
  refuseByRecords(request, before, records, intent);
  const accessKey = await creation.findOrMakeKey(before, records, intent);
  return stabilize(
    startStabilization(accessKey.userName, accessKey.accessKeyId),
    accessKey.secretAccessKey,
  );
}

async function openServices(request: Request, session: Session): Promise<Services> {
  const { secretId } = request.model;
  const { SecretVersions } =
    secretId === undefined ? { SecretVersions: undefined } : await import('./secret-versions.ts');
  return {
    accessKeys: new AccessKeys(session),
    store: new SecretStore(session, request.typeConfiguration),
    users: new Users(session),
    secret:
      SecretVersions && secretId !== undefined ? new SecretVersions(session, secretId) : undefined,
  };
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

/** @returns the final progress event, or what there still is to wait for. */
async function check(
  request: Request,
  { accessKeys, store, users, secret }: Services,
  { userName, accessKeyId }: Stabilization,
  knownSecret: string | undefined,
): Promise<ProgressEvent<Model> | string> {
  const { clientRequestToken, model } = request;
  const { description } = model;
  const status = model.status as Status;
  const findRecord = store.find(accessKeyId);
  const isAccepted = async (): Promise<boolean> => {
    if (status === 'Inactive') return true;
    const secretAccessKey = knownSecret ?? (await findRecord)?.secretAccessKey;
    if (secretAccessKey === undefined) return secret !== undefined;
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
    if (!accepted) return 'STS does not accept it';
    await secret?.makeCurrent(accessKeyId);
    await store.deleteIntent(clientRequestToken);
    return succeeded(toModel(accessKey, record, description, request));
  } catch (error) {
    if (isTransient(error)) return (error as Error).message;
    throw error;
  }
}
