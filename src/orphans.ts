import { setTimeout as sleep } from 'node:timers/promises';
import { byId, type AccessKey, type AccessKeys } from './access-keys.ts';
import { isOutOfTime, isTransient } from './errors.ts';
import { HandlerError } from './runtime/progress-event.ts';
import type { Intent, SecretStore } from './secret-store.ts';

/**
 * How long a key without a record may be a sibling's: two resources for one user are created side
 * by side, and between a key's birth and its record lie a late answer and, at worst, three tries.
 */
const SIBLING_PATIENCE_MS = 20_000;

/** How long a call without an answer may take to have its effect, and to show it in IAM's list. */
const LISTING_PATIENCE_MS = 20_000;
const POLL_INTERVAL_MS = 500;

/** IAM's dates are whole seconds, of another clock. */
const CLOCK_TOLERANCE_MS = 5_000;

/** No invocation lives longer. */
const INVOCATION_MS = 60_000;

/** Names the keys of which one is an orphan. */
export class SeveralOrphans extends HandlerError {}

/**
 * Finds out what an attempt made that may have made a key without learning of it.
 *
 * A key is that attempt's orphan only if the user did not have it before, IAM made it in the
 * attempt's time, and it has no record by when a sibling would have written one. A single such key
 * is to be discarded. Of several, any may be in use: all are left alone.
 *
 * @param isOver whether no call that may make a key is under way. Until then it is waited for, with
 *   a key recorded or not.
 * @returns the key that an attempt did record: the operation's own, to go on with; and the orphan.
 * @throws SeveralOrphans where it cannot be told which key is the orphan.
 */
export async function settle(
  userName: string,
  clientRequestToken: string,
  intent: Intent,
  isOver: boolean,
  accessKeys: AccessKeys,
  store: SecretStore,
): Promise<{ own: AccessKey | undefined; orphan: AccessKey | undefined }> {
  const recorded = new Set<string>();
  const survey = async () => {
    const unseen = (await accessKeys.list(userName)).filter(
      ({ accessKeyId }) => !intent.accessKeyIds.includes(accessKeyId),
    );
    const { records } = await store.findAll(unseen.map(({ accessKeyId }) => accessKeyId));
    for (const accessKeyId of records.keys()) recorded.add(accessKeyId);
    const own = unseen.find(
      ({ accessKeyId }) => records.get(accessKeyId)?.clientRequestToken === clientRequestToken,
    );
    const orphans = unseen.filter(
      (accessKey) => !recorded.has(accessKey.accessKeyId) && wasMadeBy(intent, accessKey),
    );
    return { own, orphans };
  };

  const lastListing = Date.now() + LISTING_PATIENCE_MS;
  let own: AccessKey | undefined;
  let orphans: readonly AccessKey[] = [];
  let deadline = lastListing;
  do {
    await sleep(POLL_INTERVAL_MS);
    try {
      const found = await survey();
      own = found.own;
      if (own && isOver) return { own, orphan: undefined };
      const isNew = ({ accessKeyId }: AccessKey): boolean => !byId(orphans, accessKeyId);
      if (found.orphans.some(isNew)) deadline = Date.now() + SIBLING_PATIENCE_MS;
      orphans = found.orphans;
    } catch (error) {
      if (!isTransient(error) || isOutOfTime(error) || Date.now() > lastListing) throw error;
    }
  } while (Date.now() < deadline);

  const [orphan, ...others] = orphans;
  if (others.length > 0) {
    const ids = orphans.map(({ accessKeyId }) => accessKeyId).join(', ');
    throw new SeveralOrphans(
      'GeneralServiceException',
      `creating access key for user ${userName}: the answer was lost and more than one key may be the one made: ` +
        `${ids}; nothing was deleted, find out which are in use and delete the others`,
    );
  }
  return { own, orphan };
}

function wasMadeBy({ startedAt }: Intent, { createDate }: AccessKey): boolean {
  const age = createDate.getTime() - startedAt;
  const latest = INVOCATION_MS + LISTING_PATIENCE_MS;
  return age >= -CLOCK_TOLERANCE_MS && age <= latest + CLOCK_TOLERANCE_MS;
}
