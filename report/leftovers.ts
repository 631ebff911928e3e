import { paginateListSecrets, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { toIds } from '../src/aws/access-keys.ts';
import { callAws } from '../src/aws/errors.ts';
import { toIntent, type StoredIntent } from '../src/aws/intents.ts';
import type { StoredParameter } from '../src/aws/parameters.ts';
import { toAccessKeyId } from '../src/aws/secret-versions.ts';
import { AGE } from '../src/aws/waiting.ts';
import { wasMadeUnder } from '../src/resource/ownership.ts';
import { findKey } from '../src/resource/find.ts';
import { takeAwayWhole } from '../src/resource/removal.ts';
import { HandlerError, ifFound } from '../src/runtime/progress-event.ts';
import type { Aws, Unread } from './aws.ts';
import { toMade, type ParameterNames } from './records.ts';
import { findVersionsWithOtherRoles } from './stacks.ts';

/** What should not be there. */
export interface Leftover {
  readonly kind: 'intent' | 'parameter' | 'secret version' | 'type version';
  readonly name: string;
  readonly user?: string | undefined;
  /** The keys that it is about. */
  readonly accessKeyIds: readonly string[];
  readonly since?: Date | undefined;
  readonly stackId?: string | undefined;
  readonly logicalId?: string | undefined;
  readonly note: string;
  /** Where the rules of CREATE and DELETE prove that it can go. */
  readonly removal?: Removal | undefined;
}

interface Removal {
  /** In words. */
  readonly what: string;
  readonly run: () => Promise<void>;
}

/** A pending version of a secret. */
interface Pending {
  readonly secretId: string;
  readonly versionId: string;
  readonly accessKeyId: string;
}

interface Proof {
  /** The keys that may be the intent's own. */
  readonly suspects: readonly string[];
  /** Those of them that were never used. */
  readonly unused: readonly string[];
  /** Whether one of them was being taken away. */
  readonly isUndone: boolean;
}

/** What the type left behind. Nobody's live key is touched: what is not proved is only named. */
export class Leftovers {
  readonly #aws: Aws;
  readonly #unread: Unread;
  readonly #userPath: string;
  /** Whether a CREATE may be running. */
  #mayCreate = true;

  constructor(aws: Aws, unread: Unread, userPath: string) {
    this.#aws = aws;
    this.#unread = unread;
    this.#userPath = userPath;
  }

  /** @param names of the parameters, without the records of the keys that were met. */
  async *find(names: ParameterNames | undefined): AsyncGenerator<Leftover> {
    this.#mayCreate = names === undefined;
    for (const [name, written] of names?.intents ?? []) {
      const found = await this.#examineIntent(name, written);
      if (found) yield found;
    }
    for (const [accessKeyId, since] of names?.records ?? []) {
      const examined = this.#examineRecord(accessKeyId, since);
      const found = await this.#unread.allow('the key of a parameter', examined);
      if (found) yield found;
    }
    for (const name of names?.others ?? []) {
      yield { kind: 'parameter', name, accessKeyIds: [], note: 'the type did not write it' };
    }
    for (const pending of (await this.#unread.allow('secrets', this.#listPending())) ?? []) {
      const found = await this.#unread.allow('a secret', this.#examinePending(pending));
      if (found) yield found;
    }
    const versions = findVersionsWithOtherRoles(this.#aws);
    for (const version of (await this.#unread.allow("the type's versions", versions)) ?? []) {
      yield {
        kind: 'type version',
        name: version.arn,
        accessKeyIds: [],
        since: version.createdAt,
        note: `it has ${version.role}, the default version ${version.defaultRole}: make deregister-old-versions`,
      };
    }
  }

  async #examineIntent(name: string, written: Date): Promise<Leftover | undefined> {
    const parameter = isRecent(written) ? undefined : await this.#read(name);
    if (parameter === 'gone') return undefined;
    const since = parameter?.lastModified ?? written;
    if (isRecent(since)) {
      this.#mayCreate = true;
      return undefined;
    }
    const { userName: user, stackId, logicalId } = toMade(parameter ?? {}, this.#aws);
    const leftover = { kind: 'intent', name, user, since, stackId, logicalId } as const;
    const named = (note: string, accessKeyIds: readonly string[] = []): Leftover => ({
      ...leftover,
      accessKeyIds,
      note,
    });
    if (!parameter || parameter.kmsFailure) return named('it could not be read');
    if (user === undefined) return named('it names no user');
    const intent = toIntent(parameter);
    const proof = await this.#unread.allow('what an intent made', this.#prove(user, intent));
    if (proof === undefined) return named('what it made could not be read');
    if (proof === 'no user') return named('IAM knows no such user');
    if (proof === 'elsewhere') return undefined;
    const { suspects, isUndone, unused } = proof;
    if (isUndone) return named('an undo of its CREATE did not end', suspects);
    const [orphan, ...others] = unused;
    if (others.length > 0) return named('any of these keys may be its own', suspects);
    if (orphan === undefined && suspects.length > 0)
      return named('the key that may be its own was used', suspects);
    return {
      ...leftover,
      accessKeyIds: suspects,
      note:
        orphan === undefined ? 'it made no key that lives' : 'nobody knows the secret of its key',
      removal: {
        what: `${orphan === undefined ? '' : `access key ${orphan} of user ${user}, `}parameter ${name}`,
        run: async () => {
          await this.#refuseIfChanged(leftover, orphan, this.#examineIntent(name, written));
          await this.#aws.at('iam', async (_, services) => {
            if (orphan !== undefined) {
              await takeAwayWhole(
                {
                  accessKeyId: orphan,
                  userName: user,
                  secretId: intent.secretId,
                  isSecretUncertain: true,
                  isDescribed: true,
                  isRecorded: false,
                  hasIntent: true,
                  isConfirmed: true,
                },
                services,
              );
            }
            await services.parameters.delete(name);
          });
        },
      },
    };
  }

  /** What an intent's CREATE may have made, by the rules of CREATE. */
  async #prove(userName: string, intent: StoredIntent): Promise<Proof | 'no user' | 'elsewhere'> {
    const path = await this.#pathOf(userName);
    if (path === undefined) return 'no user';
    if (!path.startsWith(this.#userPath)) return 'elsewhere';
    return this.#aws.at('iam', async (_, { accessKeys, records, accessKeyOwner }) => {
      const listed = await accessKeys.list(userName);
      const unseen = listed.filter(({ accessKeyId }) => !intent.accessKeyIds.includes(accessKeyId));
      const recorded = await records.findAll(toIds(unseen));
      const isDiscarded = (id: string): boolean => id === intent.discarding;
      const suspects = unseen.filter(
        (key) =>
          isDiscarded(key.accessKeyId) ||
          (!recorded.has(key.accessKeyId) && wasMadeUnder(intent, key)),
      );
      const ids = toIds(suspects);
      const unused: string[] = [];
      for (const id of ids) {
        const lastUse = await accessKeyOwner.findLastUse(id);
        if (lastUse && !lastUse.wasUsed) unused.push(id);
      }
      return { suspects: ids, unused, isUndone: ids.some(isDiscarded) };
    });
  }

  async #examineRecord(accessKeyId: string, since: Date): Promise<Leftover | undefined> {
    // A CREATE or DELETE may be at it.
    if (isRecent(since)) return undefined;
    const lastUse = await this.#aws.at('iam', (_, { accessKeyOwner }) =>
      accessKeyOwner.findLastUse(accessKeyId),
    );
    if (lastUse) return undefined;
    const name = `${this.#aws.prefix}/${accessKeyId}`;
    const parameter = await this.#read(name);
    if (parameter === 'gone' || isRecent(parameter?.lastModified ?? since)) return undefined;
    const { userName: user, stackId, logicalId } = toMade(parameter ?? {}, this.#aws);
    const path = user === undefined ? undefined : await this.#pathOf(user);
    if (path !== undefined && !path.startsWith(this.#userPath)) return undefined;
    const leftover = {
      kind: 'parameter',
      name,
      user,
      accessKeyIds: [accessKeyId],
      since,
      stackId,
      logicalId,
    } as const;
    if (!parameter) return { ...leftover, note: 'its key is gone; it could not be read' };
    if (path === undefined && this.#userPath !== '/')
      return { ...leftover, note: 'its key is gone; the path of its user is not known' };
    return {
      ...leftover,
      note: 'its key is gone',
      removal: {
        what: `parameter ${name}`,
        run: async () => {
          const again = this.#examineRecord(accessKeyId, since);
          await this.#refuseIfChanged(leftover, accessKeyId, again);
          await this.#aws.at('iam', async (_, services) => {
            const record = await services.records.find(accessKeyId);
            await takeAwayWhole(
              {
                accessKeyId,
                userName: record?.userName,
                secretId: record?.secretId,
                isSecretUncertain: true,
                isDescribed: true,
                isRecorded: true,
                hasIntent: false,
                isConfirmed: false,
              },
              services,
            );
          });
        },
      },
    };
  }

  /** The type's versions that are pending, of all secrets. */
  async #listPending(): Promise<Pending[]> {
    return this.#aws.at('secretsmanager', (session) =>
      callAws('listing secrets', async () => {
        const found: Pending[] = [];
        const client = session.client(SecretsManagerClient);
        for await (const { SecretList = [] } of paginateListSecrets(
          { client },
          { MaxResults: 100 },
        )) {
          for (const { ARN: secretId, SecretVersionsToStages = {} } of SecretList) {
            for (const [versionId, stages] of Object.entries(SecretVersionsToStages)) {
              const accessKeyId = toAccessKeyId(versionId);
              if (!accessKeyId || !secretId || !isPending(stages)) continue;
              found.push({ secretId, versionId, accessKeyId });
            }
          }
        }
        return found;
      }),
    );
  }

  async #examinePending({
    secretId,
    versionId,
    accessKeyId,
  }: Pending): Promise<Leftover | undefined> {
    const secret = await this.#aws.at('secretsmanager', (_, services) =>
      services.secretVersions(secretId).find(),
    );
    if (!isPending(secret?.stages.get(versionId) ?? [])) return undefined;
    const { user, createDate } = await this.#aws.at('iam', async (_, services) => {
      const lastUse = await services.accessKeyOwner.findLastUse(accessKeyId);
      const key = lastUse && (await services.accessKeys.find(lastUse.userName, accessKeyId));
      return { user: lastUse?.userName, createDate: key?.createDate };
    });
    if (createDate && isRecent(createDate)) return undefined;
    const path = user === undefined ? undefined : await this.#pathOf(user);
    if (path !== undefined && !path.startsWith(this.#userPath)) return undefined;
    const leftover = {
      kind: 'secret version',
      name: `${secretId} ${versionId}`,
      user,
      accessKeyIds: [accessKeyId],
    } as const;
    if (user !== undefined) return { ...leftover, note: 'AWSPENDING; its key lives' };
    // With --user-path it is not known whose it is; and another's CREATE may have it in hand.
    if (this.#userPath !== '/' || this.#mayCreate) {
      return { ...leftover, note: 'AWSPENDING; its key is not known' };
    }
    return {
      ...leftover,
      note: 'AWSPENDING; its key is gone',
      removal: {
        what: `stage AWSPENDING of version ${versionId} of secret ${secretId}`,
        run: async () => {
          const again = this.#examinePending({ secretId, versionId, accessKeyId });
          await this.#refuseIfChanged(leftover, accessKeyId, again);
          await this.#aws.at('secretsmanager', (_, services) => {
            const isAlive = async (id: string): Promise<boolean> =>
              (await findKey(id, undefined, services)) !== undefined;
            return services.secretVersions(secretId).retire(accessKeyId, false, isAlive);
          });
        },
      },
    };
  }

  /** @returns undefined where it could not be read. */
  async #read(name: string): Promise<StoredParameter | 'gone' | undefined> {
    const reading = this.#aws.at('ssm', async (_, { parameters }) => {
      return (await parameters.get([name])).get(name) ?? ('gone' as const);
    });
    const what = 'what a parameter says';
    const found = await this.#unread.allow(what, reading);
    if (found !== 'gone' && found?.kmsFailure) this.#unread.note(what, found.kmsFailure);
    return found;
  }

  /** @returns undefined where IAM does not know the user. */
  async #pathOf(userName: string): Promise<string | undefined> {
    const user = await this.#aws.at('iam', (_, { users }) => ifFound(users.get(userName)));
    return user && (user.Path ?? '/');
  }

  /** Time has passed since it was shown. */
  async #refuseIfChanged(
    { name }: Pick<Leftover, 'name'>,
    accessKeyId: string | undefined,
    again: Promise<Leftover | undefined>,
  ): Promise<void> {
    const found = await again;
    if (found?.removal && found.accessKeyIds[0] === accessKeyId) return;
    throw new HandlerError('ResourceConflict', `${name} is no longer what was shown`);
  }
}

function isPending(stages: readonly string[]): boolean {
  return stages.includes('AWSPENDING') && !stages.includes('AWSCURRENT');
}

/** Of a CREATE that may be running. */
function isRecent(date: Date): boolean {
  return Date.now() - date.getTime() < AGE.create;
}
