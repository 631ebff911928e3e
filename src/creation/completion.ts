import { byId, type AccessKey } from '../aws/access-keys.ts';
import type { StoredRecord } from '../aws/records.ts';
import { notStabilized, PATIENCE, poll, stabilize } from '../aws/waiting.ts';
import { findPreviousOfNew } from '../resource/previous-key.ts';
import { findNotShown } from '../resource/shown.ts';
import { toModel, toPending } from '../resource/what-read-returns.ts';
import { refuseLaterOne } from '../rules/max-keys-per-user.ts';
import { refuseUserOutOfScope } from '../rules/user-scope.ts';
import { ifFound, succeeded, type ProgressEvent } from '../runtime/progress-event.ts';
import type { Model } from '../schema.ts';
import type { Attempt } from './attempt.ts';
import type { In } from './states.ts';

const NOT_ACCEPTED = 'STS does not accept it';

/**
 * Recorded: looks whether READ and, for an active key, STS see the new key as it should be. Then its
 * secret's readers get it, and the intent goes, last of all: until then, whoever retries knows what was
 * made.
 */
export async function complete(
  attempt: Attempt,
  { stabilization, secretAccessKey, known = [] }: In<'Recorded'>,
): Promise<ProgressEvent<Model>> {
  const { request, services, token } = attempt;
  const { model } = request;
  const { status, description, secretId } = model;
  const { userName, accessKeyId } = stabilization;
  const versions = secretId === undefined ? undefined : services.secretVersions(secretId);

  return stabilize(stabilization, toPending(model, accessKeyId), async () => {
    const findRecord = services.records.find(accessKeyId);
    const [listed = [], record, shownDescription, isAccepted] = await Promise.all([
      ifFound(services.accessKeys.list(userName)),
      findRecord,
      description === undefined ? undefined : services.descriptions.find(userName, accessKeyId),
      status === 'Inactive' || tryOut(attempt, accessKeyId, secretAccessKey, findRecord),
    ]);
    const accessKey = byId(listed, accessKeyId);
    if (!accessKey) return 'IAM does not list it';
    if (!record) return `Parameter Store does not return ${services.records.nameOf(accessKeyId)}`;
    const previous = await findPreviousOfNew(accessKeyId, record, listed, services);
    if (typeof previous === 'string') return previous;
    const notShown = findNotShown(model, accessKey, shownDescription);
    if (notShown !== undefined) {
      await bringAbout(attempt, accessKey, shownDescription);
      return notShown;
    }
    // A secret in Secrets Manager is not read back: who comes later lets the time of trying pass.
    const isOldEnough = Date.now() - accessKey.createDate.getTime() > PATIENCE.acceptance;
    if (!(isAccepted ?? (versions && isOldEnough))) {
      if (!versions || !secretAccessKey) return NOT_ACCEPTED;
      throw notStabilized(stabilization, PATIENCE.acceptance, NOT_ACCEPTED);
    }
    if (await refuseLaterOne(request, accessKey, listed, known, services))
      return 'the user has another new key';
    await versions?.makeCurrent(accessKeyId);
    await services.intents.delete(token);
    return succeeded(toModel(accessKey, record, description, request, previous));
  });
}

/** Somebody may have changed the key of an earlier attempt since. */
async function bringAbout(
  { request, services }: Attempt,
  { accessKeyId, userName, status: shownStatus }: AccessKey,
  shownDescription: string | undefined,
): Promise<void> {
  const { status = 'Active', description } = request.model;
  if (shownStatus === status && shownDescription !== description)
    return services.descriptions.set(userName, accessKeyId, description);
  if (status === 'Active')
    await refuseUserOutOfScope(userName, request.typeConfiguration, services.users);
  await services.accessKeys.update(userName, accessKeyId, status);
}

/**
 * A key with a secret in Secrets Manager is tried for as long as it takes: its secret is at hand in
 * this invocation only.
 *
 * @returns whether STS accepts the key; undefined where its secret is not at hand.
 */
async function tryOut(
  { services, request }: Attempt,
  accessKeyId: string,
  knownSecret: string | undefined,
  findRecord: Promise<StoredRecord | undefined>,
): Promise<boolean | undefined> {
  const secretAccessKey = knownSecret ?? (await findRecord)?.secretAccessKey;
  if (secretAccessKey === undefined) return undefined;
  const patience = request.model.secretId === undefined ? 0 : PATIENCE.acceptance;
  const isAccepted = () => services.accessKeys.isAccepted(accessKeyId, secretAccessKey);
  return (await poll(patience, async () => (await isAccepted()) || undefined)) ?? false;
}
