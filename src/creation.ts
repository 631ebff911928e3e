import { randomUUID } from 'node:crypto';
import type { AccessKey, AccessKeys, NewAccessKey } from './access-keys.ts';
import { isOutcomeUnknown } from './errors.ts';
import type { Request, Status } from './model.ts';
import { SeveralOrphans, settle } from './orphans.ts';
import { HandlerError, hasErrorCode } from './runtime/progress-event.ts';
import type { Intent, SecretStore } from './secret-store.ts';

/** How often one invocation, which has 60 seconds, can afford to find out what an attempt made. */
const MAX_SETTLEMENTS = 2;
const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes the one access key of a CREATE, or finds the one that an earlier attempt of it made. */
export class Creation {
  readonly #request: Request;
  readonly #userName: string;
  readonly #accessKeys: AccessKeys;
  readonly #store: SecretStore;
  #settlements = 0;

  constructor(request: Request, userName: string, accessKeys: AccessKeys, store: SecretStore) {
    this.#request = request;
    this.#userName = userName;
    this.#accessKeys = accessKeys;
    this.#store = store;
  }

  /**
   * @param before the keys that the user has.
   * @param earlier what an attempt before this one, with the same token, set out to do.
   */
  async makeKey(
    before: readonly AccessKey[],
    earlier: Intent | undefined,
  ): Promise<AccessKey | NewAccessKey> {
    const { clientRequestToken } = this.#request;
    const accessKeyIds = before.map(({ accessKeyId }) => accessKeyId);
    const intent: Intent = { attemptId: randomUUID(), accessKeyIds, startedAt: Date.now() };
    const other = earlier ?? (await this.#store.putIntent(clientRequestToken, intent));
    if (other) {
      const own = await this.#settle(other);
      if (own) return own;
      intent.accessKeyIds.push(...other.accessKeyIds);
      await this.#store.putIntent(clientRequestToken, intent, { takeOver: true });
    }
    return this.#createAndRecord(intent);
  }

  /** Takes back what was made. @throws HandlerError the error, with what could not be taken back. */
  async undo(error: unknown, accessKeyId?: string): Promise<never> {
    const leftovers: string[] = [];
    const tryTo = async (undoing: Promise<unknown>, leftover: string): Promise<void> => {
      await undoing.catch(() => leftovers.push(leftover));
    };
    if (accessKeyId !== undefined) {
      const key = `access key ${accessKeyId} of user ${this.#userName}`;
      await tryTo(this.#accessKeys.delete(this.#userName, accessKeyId), key);
      const parameter = this.#store.nameOf(accessKeyId);
      if (leftovers.length > 0) leftovers.push(`parameter ${parameter}, if it was written`);
      else await tryTo(this.#store.delete(accessKeyId), `parameter ${parameter}`);
    }
    const { clientRequestToken } = this.#request;
    await tryTo(
      this.#store.deleteIntent(clientRequestToken),
      `parameter ${this.#store.nameOfIntent(clientRequestToken)}, if it is there`,
    );
    throw leftovers.length > 0
      ? withHint(error, `left behind, delete it: ${leftovers.join('; ')}`)
      : error;
  }

  async #createAndRecord(intent: Intent): Promise<AccessKey | NewAccessKey> {
    for (;;) {
      let accessKey: NewAccessKey;
      try {
        accessKey = await this.#accessKeys.create(this.#userName);
      } catch (error) {
        const own = this.#mayHaveMadeKey(error) ? await this.#settle(intent) : undefined;
        if (own) return own;
        if (!this.#mayHaveMadeKey(error) || this.#settlements === MAX_SETTLEMENTS) {
          return this.undo(await this.#explained(error));
        }
        continue;
      }
      await this.#record(accessKey);
      return accessKey;
    }
  }

  /** The quota may be used up by a key whose making got no answer and that IAM did not list yet. */
  #mayHaveMadeKey(error: unknown): boolean {
    return (
      isOutcomeUnknown(error) ||
      (this.#settlements > 0 && hasErrorCode(error, 'ServiceLimitExceeded'))
    );
  }

  async #record({ accessKeyId, secretAccessKey, userName }: NewAccessKey): Promise<void> {
    const { model, clientRequestToken, stackId, logicalResourceId } = this.#request;
    const record = {
      secretAccessKey,
      userName: this.#userName,
      serial: model.serial,
      clientRequestToken,
      stackId,
      logicalResourceId,
    };
    const status = model.status as Status;
    const steps = await Promise.allSettled([
      this.#store.put(accessKeyId, record),
      ...(status === 'Active' ? [] : [this.#accessKeys.update(userName, accessKeyId, status)]),
    ]);
    const failure = steps.find((step) => step.status === 'rejected');
    if (failure) await this.undo(failure.reason, accessKeyId);
  }

  /** When it cannot be found out now what the attempt made, the intent stays for the next one. */
  async #settle(intent: Intent): Promise<AccessKey | undefined> {
    const { clientRequestToken } = this.#request;
    this.#settlements += 1;
    try {
      return await settle(
        this.#userName,
        clientRequestToken,
        intent,
        this.#accessKeys,
        this.#store,
      );
    } catch (error) {
      if (error instanceof SeveralOrphans || hasErrorCode(error, 'NotFound')) {
        return this.undo(error);
      }
      const intentName = this.#store.nameOfIntent(clientRequestToken);
      throw withHint(
        error,
        `a key may have been made for user ${this.#userName}; parameter ${intentName} says which keys there were before`,
      );
    }
  }

  async #explained(error: unknown): Promise<unknown> {
    if (!hasErrorCode(error, 'ServiceLimitExceeded')) return error;
    const accessKeys = await this.#accessKeys.list(this.#userName).catch(() => []);
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

function withHint(error: unknown, hint: string): unknown {
  if (!(error instanceof HandlerError)) return error;
  return new HandlerError(error.errorCode, `${error.message}; ${hint}`, { cause: error.cause });
}
