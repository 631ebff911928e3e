import { GetAccessKeyLastUsedCommand, IAMClient } from '@aws-sdk/client-iam';
import { HandlerError, hasErrorCode, ifFound } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import { byId, type AccessKey } from './access-keys.ts';
import { AllUsers } from './all-users.ts';
import { callAws, present, says } from './errors.ts';

export interface LastUse {
  readonly userName: string;
  readonly wasUsed: boolean;
  readonly date: Date | undefined;
  readonly service: string | undefined;
  readonly region: string | undefined;
}

/** IAM denies GetAccessKeyLastUsed for a key that it does not know, in words of its own. */
const KEY_IS_UNKNOWN = /to perform iam:GetAccessKeyLastUsed on resource: access key /;
const PERMISSION_IS_MISSING = /to perform: iam:GetAccessKeyLastUsed on resource: /;

/** Whom an access key belongs to, by its id alone. Every method throws HandlerError only. */
export class AccessKeyOwner {
  readonly #session: Session;
  readonly #iam: IAMClient;

  constructor(session: Session) {
    this.#session = session;
    this.#iam = session.client(IAMClient);
  }

  /** @returns the user's name; undefined where the account has no such key. */
  async find(accessKeyId: string): Promise<string | undefined> {
    try {
      return (await this.findLastUse(accessKeyId))?.userName;
    } catch (error) {
      if (!hasErrorCode(error, 'AccessDenied') || says(error, PERMISSION_IS_MISSING)) throw error;
      if (await this.search(accessKeyId, error as Error, true)) throw error;
      return undefined;
    }
  }

  /** @returns undefined where IAM says that it does not know the key. */
  async findLastUse(accessKeyId: string): Promise<LastUse | undefined> {
    const activity = `finding the user of access key ${accessKeyId}`;
    const asking = callAws(activity, async () => {
      const command = new GetAccessKeyLastUsedCommand({ AccessKeyId: accessKeyId });
      const { UserName, AccessKeyLastUsed } = await this.#iam.send(command);
      const {
        LastUsedDate: date,
        ServiceName: service,
        Region: region,
      } = present(AccessKeyLastUsed);
      return { userName: present(UserName), wasUsed: date !== undefined, date, service, region };
    });
    try {
      return await ifFound(asking);
    } catch (error) {
      if (hasErrorCode(error, 'AccessDenied') && says(error, KEY_IS_UNKNOWN)) return undefined;
      throw error;
    }
  }

  /**
   * Looks at all users, where it is open whether the key is there.
   *
   * @param why it is open.
   * @param isDenial where that may be for a missing permission. The first key that is met tells: where
   *   it is denied as well, the permission is missing.
   * @throws HandlerError that denial then, and Throttling where IAM is too slow for it.
   */
  async search(accessKeyId: string, why: Error, isDenial = false): Promise<AccessKey | undefined> {
    const allUsers = new AllUsers(this.#session);
    let isProbed = !isDenial;
    let marker: string | undefined;
    try {
      do {
        const page = await allUsers.keysOfPage(marker);
        const found = byId(page.accessKeys, accessKeyId);
        if (found) return found;
        const [known] = page.accessKeys;
        if (known && !isProbed) {
          await this.#probe(known.accessKeyId, why);
          isProbed = true;
        }
        marker = page.marker;
      } while (marker);
      return undefined;
    } catch (error) {
      if (!allUsers.isOutOfTime) throw error;
      const slow = 'and IAM is too slow to look at all users';
      throw new HandlerError('Throttling', `${why.message}; ${slow}`);
    }
  }

  /** @throws HandlerError the denial where this key, which lives, is denied too. */
  async #probe(accessKeyId: string, denial: Error): Promise<void> {
    try {
      await this.findLastUse(accessKeyId);
    } catch (error) {
      throw hasErrorCode(error, 'AccessDenied') ? denial : error;
    }
  }
}
