import {
  GetUserCommand,
  IAMClient,
  ListUserTagsCommand,
  TagUserCommand,
  UntagUserCommand,
  type Tag,
  type User,
} from '@aws-sdk/client-iam';
import { attempt, present } from './errors.ts';
import { HandlerError, hasErrorCode } from './runtime/progress-event.ts';
import type { Session } from './runtime/session.ts';

/** What the value of a tag may consist of. */
const NO_PART_OF_TAG = /[^\p{L}\p{Z}\p{N}_.:/=+\-@]/u;

/**
 * The schema's pattern, which has to suit every language that reads it, knows ASCII only.
 *
 * @throws HandlerError InvalidRequest for a description that IAM would not take.
 */
export function refuseDescription(description = ''): void {
  const [sign] = NO_PART_OF_TAG.exec(description) ?? [];
  if (sign === undefined) return;
  throw new HandlerError(
    'InvalidRequest',
    `Description is not valid: it may have letters, digits, spaces and _.:/=+-@, not ${JSON.stringify(sign)}`,
  );
}

/**
 * IAM users and the descriptions of their access keys: the IAM console keeps a key's description
 * as a tag of the user, whose key is the access key id. Every method throws HandlerError only.
 */
export class Users {
  readonly #iam: IAMClient;

  constructor(session: Session) {
    this.#iam = session.client(IAMClient);
  }

  /** @throws HandlerError NotFound for an unknown user. */
  async get(userName: string): Promise<User> {
    return attempt(`reading user ${userName}`, async () => {
      const answer = await this.#iam.send(new GetUserCommand({ UserName: userName }));
      return present(answer.User);
    });
  }

  async findDescription(userName: string, accessKeyId: string): Promise<string | undefined> {
    const tags = await this.#listTags(userName);
    return tags.find(({ Key }) => Key === accessKeyId)?.Value;
  }

  /** @param description undefined removes it. */
  async setDescription(
    userName: string,
    accessKeyId: string,
    description: string | undefined,
  ): Promise<void> {
    if (description === undefined) return this.deleteDescription(userName, accessKeyId);
    const tag = { Key: accessKeyId, Value: description };
    await attempt(`describing access key ${accessKeyId} with a tag of user ${userName}`, () =>
      this.#iam.send(new TagUserCommand({ UserName: userName, Tags: [tag] })),
    );
  }

  async deleteDescription(userName: string, accessKeyId: string): Promise<void> {
    try {
      await attempt(
        `removing the description of access key ${accessKeyId} of user ${userName}`,
        () => this.#iam.send(new UntagUserCommand({ UserName: userName, TagKeys: [accessKeyId] })),
      );
    } catch (error) {
      if (!hasErrorCode(error, 'NotFound')) throw error;
    }
  }

  async #listTags(userName: string): Promise<Tag[]> {
    const tags: Tag[] = [];
    let Marker: string | undefined;
    try {
      do {
        const page = await attempt(`listing tags of user ${userName}`, async () => {
          const answer = await this.#iam.send(
            new ListUserTagsCommand({ UserName: userName, Marker }),
          );
          return { ...answer, Tags: present(answer.Tags) };
        });
        tags.push(...page.Tags);
        Marker = page.IsTruncated ? page.Marker : undefined;
      } while (Marker);
    } catch (error) {
      if (!hasErrorCode(error, 'NotFound')) throw error;
    }
    return tags;
  }
}
