import { AccessKeys, isYoung, type AccessKey } from './access-keys.ts';
import { Creation, type Services } from './creation.ts';
import { checkCreated } from './creation-check.ts';
import { refuseByRecords, refuseUserOutOfScope } from './guardrails.ts';
import { toWritable, type Model, type Request } from './model.ts';
import type { ProgressEvent } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';
import { SecretStore, type StoredRecord } from './secret-store.ts';
import { SecretVersions } from './secret-versions.ts';
import {
  poll,
  RECORD_PATIENCE_MS,
  resumeStabilization,
  startStabilization,
  waitFor,
  type Stabilization,
} from './stabilization.ts';
import { refuseDescription, Users } from './users.ts';

/**
 * Makes one access key per client request token, however often it is called with it, and records
 * its secret. Done when READ would return the key and, for an active one, when AWS accepts it.
 */
export async function create(request: Request, session: Session): Promise<ProgressEvent<Model>> {
  const { clientRequestToken, callbackContext, model, typeConfiguration } = request;
  const userName = model.userName ?? '';
  const services = openServices(request, session);
  const { accessKeys, store, users, secret } = services;
  const creation = new Creation(request, services);

  const stabilize = async (stabilization: Stabilization, secretAccessKey?: string) => {
    try {
      const done = await checkCreated(request, services, stabilization, secretAccessKey);
      if (typeof done !== 'string') return done;
      return waitFor(done, stabilization, { ...toWritable(model), id: stabilization.accessKeyId });
    } catch (error) {
      return creation.undo(error, stabilization.accessKeyId);
    }
  };
  if (callbackContext) return stabilize(resumeStabilization(callbackContext));

  refuseDescription(model.description);
  const admission = Promise.all([
    refuseUserOutOfScope(userName, typeConfiguration, users),
    secret?.refuseUnusable(),
  ]);
  admission.catch(() => undefined);
  const before = await accessKeys.list(userName).catch((error: unknown) => creation.giveUp(error));
  const { records, intent } = await findRecords(before, clientRequestToken, store).catch(
    (error: unknown) => creation.giveUp(error),
  );
  if (!intent && !isBegun(records, clientRequestToken)) {
    await admission;
    refuseByRecords(request, before, records);
  }
  const accessKey = await creation.findOrMakeKey(before, records, intent);
  return stabilize(
    startStabilization(accessKey.userName, accessKey.accessKeyId),
    accessKey.secretAccessKey,
  );
}

function openServices(request: Request, session: Session): Services {
  const { secretId } = request.model;
  return {
    accessKeys: new AccessKeys(session),
    store: new SecretStore(session, request.typeConfiguration),
    users: new Users(session),
    secret: secretId === undefined ? undefined : new SecretVersions(session, secretId),
  };
}

/** An operation that an earlier attempt began was let through then, and is brought to its end. */
function isBegun(records: ReadonlyMap<string, StoredRecord>, clientRequestToken: string): boolean {
  return [...records.values()].some((record) => record.clientRequestToken === clientRequestToken);
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
