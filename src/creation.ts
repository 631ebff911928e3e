import { randomUUID } from 'node:crypto';
import { isYoung, type AccessKey, type AccessKeys, type NewAccessKey } from './access-keys.ts';
import { isOutcomeUnknown, isTransient } from './errors.ts';
import type { Request, Status } from './model.ts';
import { SeveralOrphans, settle } from './orphans.ts';
import { HandlerError, hasErrorCode } from './runtime/progress-event.ts';
import { toSecretVersionId } from './secret-version-id.ts';
import type { SecretVersions } from './secret-versions.ts';
import type { Intent, SecretStore, StoredIntent, StoredRecord } from './secret-store.ts';
import { poll } from './stabilization.ts';
import type { Users } from './users.ts';

/** How often one invocation has the time to find out what an attempt made. */
const MAX_SETTLEMENTS = 2;
/** How long the secret of a recorded key may be on its way: at worst, a lost answer and a retry. */
const SECRET_PATIENCE_MS = 6_000;
const DAY_MS = 24 * 60 * 60 * 1000;

/** What a CREATE works on. */
export interface Services {
  readonly accessKeys: AccessKeys;
  readonly store: SecretStore;
  readonly users: Users;
  /** For a key with a SecretId. */
  readonly secret: SecretVersions | undefined;
}

/** Makes the one access key of a CREATE, or finds the one that an earlier attempt of it made. */
export class Creation {
  readonly #request: Request;
  readonly #userName: string;
  readonly #services: Services;
  #settlements = 0;
  /** Of the intent, as this attempt last saw it. */
  #intentVersion = 0;

  constructor(request: Request, services: Services) {
    this.#request = request;
    this.#userName = request.model.userName ?? '';
    this.#services = services;
  }

  /**
   * @param before the keys that the user has, and the records of those that have one.
   * @param earlier what an attempt before this one, with the same token, set out to do.
   */
  async findOrMakeKey(
    before: readonly AccessKey[],
    records: ReadonlyMap<string, StoredRecord>,
    earlier: StoredIntent | undefined,
  ): Promise<AccessKey & Partial<NewAccessKey>> {
    const { store } = this.#services;
    const { clientRequestToken } = this.#request;
    const finished = before.find(({ accessKeyId }) => this.#isOwn(records.get(accessKeyId)));
    if (finished && (await this.#isWhole(finished))) return finished;

    const accessKeyIds = before.map(({ accessKeyId }) => accessKeyId);
    const intent: Intent = { attemptId: randomUUID(), accessKeyIds, startedAt: Date.now() };
    const stored = earlier ?? (await store.putIntent(clientRequestToken, intent));
    this.#intentVersion = stored.version;
    if (stored.attemptId !== intent.attemptId) {
      // A key is recorded only after whatever was made before it was cleared up.
      const own = finished ? undefined : await this.#settle(stored, true);
      if (own) return own;
      intent.accessKeyIds.push(...stored.accessKeyIds);
      const made = await this.#takeOver(intent);
      if (made) return made;
    }
    const own = await this.#findMadeMeanwhile(intent).catch((error: unknown) => this.undo(error));
    return own ?? this.#createAndRecord(intent);
  }

  /** @throws HandlerError the error, with what an attempt before this one may have left. */
  async giveUp(error: unknown): Promise<never> {
    const { store } = this.#services;
    const { clientRequestToken } = this.#request;
    const find = store.findAll([], clientRequestToken);
    const mayBeThere = await find.then(({ intent }) => intent !== undefined).catch(() => true);
    if (!mayBeThere) throw error;
    // The keys are gone with their user.
    if (hasErrorCode(error, 'NotFound')) return this.undo(error);
    throw this.#withIntent(error);
  }

  /** Takes back what was made. @throws HandlerError the error, with what could not be taken back. */
  async undo(error: unknown, accessKeyId?: string): Promise<never> {
    const { store } = this.#services;
    const { clientRequestToken } = this.#request;
    const leftovers = accessKeyId === undefined ? [] : (await this.#discard(accessKeyId)).leftovers;
    const intentName = `parameter ${store.nameOfIntent(clientRequestToken)}`;
    if (leftovers.length > 0 && isTransient(error)) {
      // CloudFormation tries again, and the next attempt learns from it what there is to discard.
      leftovers.push(intentName);
    } else {
      await store.deleteIntent(clientRequestToken).catch(() => {
        leftovers.push(`${intentName}, if it is there`);
      });
    }
    throw withLeftovers(error, leftovers);
  }

  /** Another invocation with this token may have begun and ended before this one's intent stood. */
  async #findMadeMeanwhile({ accessKeyIds }: Intent): Promise<AccessKey | undefined> {
    const { accessKeys, store } = this.#services;
    const made = (await accessKeys.list(this.#userName)).filter(
      ({ accessKeyId }) => !accessKeyIds.includes(accessKeyId),
    );
    if (made.length === 0) return undefined;
    const { records } = await store.findAll(made.map(({ accessKeyId }) => accessKeyId));
    const own = made.find(({ accessKeyId }) => this.#isOwn(records.get(accessKeyId)));
    return own && (await this.#isWhole(own)) ? own : undefined;
  }

  #isOwn(record: StoredRecord | undefined): boolean {
    return record?.clientRequestToken === this.#request.clientRequestToken;
  }

  async #createAndRecord(intent: Intent): Promise<AccessKey & Partial<NewAccessKey>> {
    for (;;) {
      let accessKey: NewAccessKey;
      try {
        accessKey = await this.#services.accessKeys.create(this.#userName);
      } catch (error) {
        const own = this.#mayHaveMadeKey(error) ? await this.#settle(intent, false) : undefined;
        if (own) return own;
        if (!this.#mayHaveMadeKey(error) || this.#settlements >= MAX_SETTLEMENTS) {
          return this.undo(await this.#explained(error));
        }
        const made = await this.#takeOver(intent);
        if (made) return made;
        continue;
      }
      await this.#record(accessKey);
      return accessKey;
    }
  }

  /**
   * Of attempts with one token that overlap, the one that writes the next version of the intent
   * makes the key. The others wait for it.
   *
   * @returns the key that another attempt made; undefined where it is for this one to make.
   */
  async #takeOver(intent: Intent): Promise<AccessKey | undefined> {
    const { store } = this.#services;
    for (;;) {
      const seen = this.#intentVersion;
      this.#intentVersion = await store
        .overwriteIntent(this.#request.clientRequestToken, intent)
        .catch((error: unknown) => {
          throw this.#withIntent(error);
        });
      if (this.#intentVersion === seen + 1) return undefined;
      if (this.#settlements >= MAX_SETTLEMENTS) {
        const what = `creating access key for user ${this.#userName}`;
        throw this.#withIntent(
          new HandlerError('ResourceConflict', `${what}: another attempt of it is under way`),
        );
      }
      const own = await this.#settle(intent, true);
      if (own) return own;
    }
  }

  /** The quota may be used up by a key whose making got no answer and that IAM did not list yet. */
  #mayHaveMadeKey(error: unknown): boolean {
    return (
      isOutcomeUnknown(error) ||
      (this.#settlements > 0 && hasErrorCode(error, 'ServiceLimitExceeded'))
    );
  }

  async #record(accessKey: NewAccessKey): Promise<void> {
    const { accessKeys, store, users, secret } = this.#services;
    const { accessKeyId, secretAccessKey, userName } = accessKey;
    const { model, clientRequestToken, stackId, logicalResourceId } = this.#request;
    const { serial, secretId, description } = model;
    const record = {
      userName: this.#userName,
      ...(secretId === undefined ? { secretAccessKey } : { secretId }),
      serial,
      clientRequestToken,
      stackId,
      logicalResourceId,
    };
    const status = model.status as Status;
    const steps = await Promise.allSettled([
      store.put(accessKeyId, record),
      secret?.put(accessKey, this.#userName),
      status === 'Active' ? undefined : accessKeys.update(userName, accessKeyId, status),
      description === undefined
        ? undefined
        : users.setDescription(userName, accessKeyId, description),
    ]);
    const failure = steps.find((step) => step.status === 'rejected');
    if (failure) await this.undo(failure.reason, accessKeyId);
  }

  /**
   * A key whose secret an interrupted attempt did not hand over is of no use; it is discarded. An
   * attempt that still runs hands it over in seconds.
   */
  async #isWhole(accessKey: AccessKey): Promise<boolean> {
    const { secret } = this.#services;
    const { accessKeyId } = accessKey;
    if (!secret) return true;
    const patience = isYoung(accessKey) ? SECRET_PATIENCE_MS : 0;
    const has = async () => (await secret.has(accessKeyId)) || undefined;
    const isHandedOver = await poll(patience, has).catch((error: unknown) => {
      if (isTransient(error)) throw error;
      return this.undo(error, accessKeyId);
    });
    if (isHandedOver) return true;
    await this.#discardAll(accessKeyId);
    return false;
  }

  /** @throws HandlerError where something of the key could not be deleted. */
  async #discardAll(accessKeyId: string, isRecorded = true): Promise<void> {
    const { leftovers, error } = await this.#discard(accessKeyId, isRecorded);
    if (leftovers.length > 0) throw withLeftovers(error, leftovers);
  }

  /** @returns what could not be deleted of the key, and the first reason. */
  async #discard(
    accessKeyId: string,
    isRecorded = true,
  ): Promise<{ leftovers: string[]; error: unknown }> {
    const { accessKeys, store, users, secret } = this.#services;
    const leftovers: string[] = [];
    const errors: unknown[] = [];
    const tryTo = async (
      step: Promise<unknown> | undefined,
      leftover: string,
    ): Promise<boolean> => {
      try {
        await step;
        return true;
      } catch (error) {
        leftovers.push(leftover);
        errors.push(error);
        return false;
      }
    };
    const isAlive = async (id: string) => (await accessKeys.find(id, this.#userName)) !== undefined;
    const versionId = toSecretVersionId(accessKeyId);
    const [isRetired] = await Promise.all([
      tryTo(secret?.retire(accessKeyId, isAlive), `secret version ${versionId}`),
      tryTo(
        this.#request.model.description === undefined
          ? undefined
          : users.deleteDescription(this.#userName, accessKeyId),
        `tag ${accessKeyId} of user ${this.#userName}`,
      ),
    ]);
    const parameter = `parameter ${store.nameOf(accessKeyId)}, if it is there`;
    const key = `access key ${accessKeyId} of user ${this.#userName}`;
    const isInUse = !isRetired && (await secret?.isCurrent(accessKeyId).catch(() => true));
    // With its record the key is the next attempt's own; without, its orphan. A record alone is neither.
    const deleteRecord = () => (isRecorded ? store.delete(accessKeyId) : undefined);
    if (isInUse || !(await tryTo(deleteRecord(), parameter))) {
      leftovers.push(key, ...(isInUse ? [parameter] : []));
    } else {
      await tryTo(accessKeys.delete(this.#userName, accessKeyId), key);
    }
    return { leftovers, error: errors[0] };
  }

  /** When it cannot be found out now what the attempt made, the intent stays for the next one. */
  async #settle(intent: Intent, isOver: boolean): Promise<AccessKey | undefined> {
    const { accessKeys, store } = this.#services;
    const { clientRequestToken } = this.#request;
    this.#settlements += 1;
    let own: AccessKey | undefined;
    try {
      const settled = await settle(
        this.#userName,
        clientRequestToken,
        intent,
        isOver,
        accessKeys,
        store,
      );
      own = settled.own;
      if (settled.orphan) {
        await this.#discardAll(settled.orphan.accessKeyId, false);
        intent.accessKeyIds.push(settled.orphan.accessKeyId);
      }
    } catch (error) {
      if (error instanceof SeveralOrphans || hasErrorCode(error, 'NotFound')) {
        return this.undo(error);
      }
      throw this.#withIntent(error);
    }
    return own && (await this.#isWhole(own)) ? own : undefined;
  }

  #withIntent(error: unknown): unknown {
    const name = this.#services.store.nameOfIntent(this.#request.clientRequestToken);
    return withHint(
      error,
      `a key may have been made for user ${this.#userName}; parameter ${name}, if it is there, says which keys there were before`,
    );
  }

  async #explained(error: unknown): Promise<unknown> {
    if (!hasErrorCode(error, 'ServiceLimitExceeded')) return error;
    const accessKeys = await this.#services.accessKeys.list(this.#userName).catch(() => []);
    const described = accessKeys.map(({ accessKeyId, status, createDate }) => {
      const days = Math.floor((Date.now() - createDate.getTime()) / DAY_MS);
      return `${accessKeyId} ${status}, ${days} days old`;
    });
    return withHint(
      error,
      `the user has ${described.length} keys (${described.join('; ')}): delete one first`,
    );
  }
}

function withLeftovers(error: unknown, leftovers: readonly string[]): unknown {
  if (leftovers.length === 0) return error;
  return withHint(error, `left behind, delete it: ${leftovers.join('; ')}`);
}

function withHint(error: unknown, hint: string): unknown {
  if (!(error instanceof HandlerError)) return error;
  return new HandlerError(error.errorCode, `${error.message}; ${hint}`, { cause: error.cause });
}
