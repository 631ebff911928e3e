import { GetUserCommand, IAMClient, type User } from '@aws-sdk/client-iam';
import type { Session } from '../runtime/session.ts';
import { callAws, present } from './errors.ts';

/** IAM users. Every method throws HandlerError only. */
export class Users {
  readonly #iam: IAMClient;

  constructor(session: Session) {
    this.#iam = session.client(IAMClient);
  }

  /** @throws HandlerError NotFound for an unknown user. */
  async get(userName: string): Promise<User> {
    return callAws(`reading user ${userName}`, async () => {
      const answer = await this.#iam.send(new GetUserCommand({ UserName: userName }));
      return present(answer.User);
    });
  }
}

/** IAM takes a user name in any case; the template's spelling of the same name is no drift. */
export function isSameUser(userName: string | undefined, other: string): boolean {
  return userName?.toLowerCase() === other.toLowerCase();
}
