import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserTagsCommand,
  TagUserCommand,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';

/** What an account holds, of the users and secrets that the test made. */
export interface Holdings {
  /** By access key id. */
  readonly keys: ReadonlyMap<string, { readonly userName: string; readonly status: string }>;
  /** The decrypted values, by name. */
  readonly parameters: ReadonlyMap<string, string>;
  /** The values of the users' tags, by the tag's key: of a description, the access key id. */
  readonly tags: ReadonlyMap<string, string>;
  readonly secrets: readonly Secret[];
}

export interface Secret {
  /** By version, for those that have any. */
  readonly stages: ReadonlyMap<string, readonly string[]>;
  /** What its readers get. */
  readonly value: string;
}

/** One account of moto, asked directly: past the proxy and whatever it does. */
export class Aws {
  readonly #iam: IAMClient;
  readonly #ssm: SSMClient;
  readonly #secretsManager: SecretsManagerClient;
  readonly #userNames: string[] = [];
  readonly #secretIds: string[] = [];

  constructor(endpoint: string, account: string) {
    const config = {
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    this.#iam = inAccount(new IAMClient(config), account);
    this.#ssm = inAccount(new SSMClient(config), account);
    this.#secretsManager = inAccount(new SecretsManagerClient(config), account);
  }

  async createUser(userName: string, tags: Readonly<Record<string, string>> = {}): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.#iam.send(new CreateUserCommand({ UserName: userName, Tags }));
    this.#userNames.push(userName);
  }

  /** @returns the id of a key that the type knows nothing of. */
  async createKey(userName: string): Promise<string> {
    const { AccessKey } = await this.#iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    return AccessKey?.AccessKeyId ?? '';
  }

  async deleteKey(userName: string, accessKeyId: string): Promise<void> {
    await this.#iam.send(
      new DeleteAccessKeyCommand({ UserName: userName, AccessKeyId: accessKeyId }),
    );
  }

  /** Gives a key the description that the type keeps with it. */
  async describeKey(userName: string, accessKeyId: string, description: string): Promise<void> {
    const tag = { Key: accessKeyId, Value: description };
    await this.#iam.send(new TagUserCommand({ UserName: userName, Tags: [tag] }));
  }

  async createSecret(name: string): Promise<void> {
    const command = new CreateSecretCommand({ Name: name, SecretString: 'what was there before' });
    await this.#secretsManager.send(command);
    this.#secretIds.push(name);
  }

  async holdings(): Promise<Holdings> {
    const [users, parameters, secrets] = await Promise.all([
      this.#users(),
      this.#parameters(),
      Promise.all(this.#secretIds.map((secretId) => this.#secret(secretId))),
    ]);
    return { ...users, parameters, secrets };
  }

  async #users(): Promise<Pick<Holdings, 'keys' | 'tags'>> {
    const [lists, tagLists] = await Promise.all([
      Promise.all(
        this.#userNames.map((UserName) => this.#iam.send(new ListAccessKeysCommand({ UserName }))),
      ),
      Promise.all(
        this.#userNames.map((UserName) => this.#iam.send(new ListUserTagsCommand({ UserName }))),
      ),
    ]);
    const keys = lists.flatMap(({ AccessKeyMetadata = [] }) => AccessKeyMetadata);
    const tags = tagLists.flatMap(({ Tags = [] }) => Tags);
    return {
      keys: new Map(
        keys.map(({ AccessKeyId = '', UserName = '', Status = '' }) => [
          AccessKeyId,
          { userName: UserName, status: Status },
        ]),
      ),
      tags: new Map(tags.map(({ Key = '', Value = '' }) => [Key, Value])),
    };
  }

  async #secret(SecretId: string): Promise<Secret> {
    const [{ VersionIdsToStages = {} }, { SecretString = '' }] = await Promise.all([
      this.#secretsManager.send(new DescribeSecretCommand({ SecretId })),
      this.#secretsManager.send(
        new GetSecretValueCommand({ SecretId, VersionStage: 'AWSCURRENT' }),
      ),
    ]);
    const stages = Object.entries(VersionIdsToStages).filter(([, labels]) => labels.length > 0);
    return { stages: new Map(stages), value: SecretString };
  }

  async #parameters(): Promise<Holdings['parameters']> {
    const command = { Path: '/', Recursive: true, WithDecryption: true, MaxResults: 10 };
    const values = new Map<string, string>();
    let NextToken: string | undefined;
    do {
      const page = await this.#ssm.send(new GetParametersByPathCommand({ ...command, NextToken }));
      for (const { Name = '', Value = '' } of page.Parameters ?? []) values.set(Name, Value);
      NextToken = page.NextToken;
    } while (NextToken);
    return values;
  }
}

type Next = (args: { request: { headers: Record<string, string> } }) => unknown;

/** moto takes this header for the account that the caller belongs to. */
function inAccount<C extends { middlewareStack: { add(middleware: never, options: never): void } }>(
  client: C,
  account: string,
): C {
  const addHeader =
    (next: Next): Next =>
    (args) => {
      args.request.headers['x-moto-account-id'] = account;
      return next(args);
    };
  client.middlewareStack.add(addHeader as never, { step: 'build' } as never);
  return client;
}
