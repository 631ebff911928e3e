import {
  IAMClient,
  paginateListUserTags,
  TagUserCommand,
  UntagUserCommand,
  type Tag,
} from '@aws-sdk/client-iam';
import { ifFound } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import { callAws, present } from './errors.ts';

/**
 * The descriptions of access keys: the IAM console keeps a key's description as a tag of the user, whose
 * key is the access key id. Every method throws HandlerError only.
 */
export class Descriptions {
  readonly #iam: IAMClient;

  constructor(session: Session) {
    this.#iam = session.client(IAMClient);
  }

  async find(userName: string, accessKeyId: string): Promise<string | undefined> {
    const tags = await ifFound(this.#listTags(userName));
    return tags?.find(({ Key }) => Key === accessKeyId)?.Value;
  }

  /** @param description undefined removes it. */
  async set(userName: string, accessKeyId: string, description: string | undefined): Promise<void> {
    if (description === undefined) {
      await this.delete(userName, accessKeyId);
      return;
    }
    const tag = { Key: accessKeyId, Value: description };
    await callAws(`describing access key ${accessKeyId} with a tag of user ${userName}`, () =>
      this.#iam.send(new TagUserCommand({ UserName: userName, Tags: [tag] })),
    );
  }

  /** @returns false where there is no such user. */
  async delete(userName: string, accessKeyId: string): Promise<boolean> {
    const activity = `removing the description of access key ${accessKeyId} of user ${userName}`;
    const command = new UntagUserCommand({ UserName: userName, TagKeys: [accessKeyId] });
    const removed = await ifFound(callAws(activity, () => this.#iam.send(command)));
    return removed !== undefined;
  }

  async #listTags(UserName: string): Promise<Tag[]> {
    return callAws(`listing tags of user ${UserName}`, async () => {
      const tags: Tag[] = [];
      for await (const page of paginateListUserTags({ client: this.#iam }, { UserName })) {
        tags.push(...present(page.Tags));
      }
      return tags;
    });
  }
}
