import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  NoSuchEntityException,
  paginateListAccessKeys,
  UpdateAccessKeyCommand,
} from '@aws-sdk/client-iam';
import {
  DeleteParameterCommand,
  GetParametersCommand,
  paginateGetParametersByPath,
  ParameterNotFound,
  SSMClient,
} from '@aws-sdk/client-ssm';
import {
  CloudFormation,
  type Outcome,
  type ProgressEvent,
  type Properties,
} from '../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../local/lambda-container.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { Account } from './account.ts';
import { Secret } from './secret.ts';

export type Status = 'Active' | 'Inactive';
/** The status of each access key by its id. */
export type Keys = Readonly<Record<string, Status>>;

export interface StageOptions {
  readonly userName: string;
  /** The unzipped package. */
  readonly folder: string;
  /** Once aborted, nothing is begun any more. */
  readonly signal: AbortSignal;
}

const PREFIX = schema.typeConfiguration.properties.ParameterPrefix.default;
const POLL_INTERVAL_MILLISECONDS = 1_000;

/** What the steps play on: one user of an account, and the function as CloudFormation drives it. */
export class Stage {
  readonly account: Account;
  readonly userName: string;
  readonly secret: Secret;
  readonly lambda: LocalFunction;
  readonly cloudFormation: CloudFormation;
  /** The ids of the access keys that this run made, in the order of their making. */
  readonly made: string[] = [];
  readonly #signal: AbortSignal;
  readonly #iam: IAMClient;
  readonly #ssm: SSMClient;
  #namesBefore: readonly string[] = [];

  static async open(account: Account, options: StageOptions): Promise<Stage> {
    const { endpoint, region } = account;
    const lambda = await startFunction({
      endpoint,
      region,
      folder: options.folder,
    });
    const stage = new Stage(account, options, lambda);
    try {
      stage.#namesBefore = await stage.parameterNames();
      return stage;
    } catch (error) {
      await lambda.kill();
      throw error;
    }
  }

  private constructor(account: Account, { userName, signal }: StageOptions, lambda: LocalFunction) {
    const { credentials, endpoint, region, accountId } = account;
    this.account = account;
    this.userName = userName;
    // In an account, a name of one's own: the demo deletes the secret.
    const suffix = account.isLocal ? '' : `-demo-${randomUUID().slice(0, 8)}`;
    this.secret = new Secret(`ci/${userName}${suffix}`, account);
    this.lambda = lambda;
    this.#signal = signal;
    const config = { region, credentials, ...(endpoint && { endpoint }) };
    this.#iam = new IAMClient(config);
    this.#ssm = new SSMClient(config);
    this.cloudFormation = new CloudFormation({
      function: {
        invoke: async <Answer>(event: unknown) => {
          signal.throwIfAborted();
          const invoked = await lambda.invoke<Answer>(event);
          this.#noteKey(event, invoked.answer);
          return invoked;
        },
      },
      credentials,
      region,
      accountId,
    });
  }

  /** Repeats `check` until it no longer throws, for as long as a change may take to show. */
  async eventually<T>(check: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.account.patience;
    for (;;) {
      try {
        return await check();
      } catch (error) {
        if (this.#signal.aborted || Date.now() >= deadline) throw error;
      }
      await sleep(POLL_INTERVAL_MILLISECONDS);
    }
  }

  /** The resource model of an operation that succeeds. */
  async succeed(what: string, operation: Promise<Outcome>): Promise<Properties> {
    const outcome = await this.settle(what, operation);
    return outcome.resourceModel ?? {};
  }

  async settle(what: string, operation: Promise<Outcome>): Promise<Outcome> {
    const outcome = await operation;
    if (outcome.status === 'SUCCESS') return outcome;
    throw new Error(
      `${what} answers ${outcome.status} ${String(outcome.errorCode)}: ${String(outcome.message)}`,
    );
  }

  async createUser(): Promise<void> {
    await this.#iam.send(new CreateUserCommand({ UserName: this.userName }));
  }

  /** Makes a key as somebody would who knows nothing of the type. */
  async createForeignKey(): Promise<string> {
    const { AccessKey } = await this.#iam.send(
      new CreateAccessKeyCommand({ UserName: this.userName }),
    );
    const accessKeyId = String(AccessKey?.AccessKeyId);
    this.made.push(accessKeyId);
    return accessKeyId;
  }

  async setStatus(accessKeyId: string, status: Status): Promise<void> {
    await this.#iam.send(
      new UpdateAccessKeyCommand({
        UserName: this.userName,
        AccessKeyId: accessKeyId,
        Status: status,
      }),
    );
  }

  /** What IAM itself says. */
  async keys(): Promise<Keys> {
    const keys: Record<string, Status> = {};
    const pages = paginateListAccessKeys({ client: this.#iam }, { UserName: this.userName });
    for await (const { AccessKeyMetadata = [] } of pages) {
      for (const { AccessKeyId, Status } of AccessKeyMetadata) {
        keys[String(AccessKeyId)] = Status as Status;
      }
    }
    return keys;
  }

  /** What Parameter Store itself says: records of keys and pending intents. */
  async parameterNames(): Promise<string[]> {
    const names: string[] = [];
    const pages = paginateGetParametersByPath(
      { client: this.#ssm },
      { Path: PREFIX, Recursive: true },
    );
    for await (const { Parameters = [] } of pages) {
      names.push(...Parameters.map(({ Name }) => String(Name)));
    }
    return names;
  }

  /** What Parameter Store keeps of a key, decrypted. */
  async record(accessKeyId: string): Promise<string> {
    const { Parameters = [] } = await this.#ssm.send(
      new GetParametersCommand({ Names: [`${PREFIX}/${accessKeyId}`], WithDecryption: true }),
    );
    return String(Parameters[0]?.Value);
  }

  /** What there is of keys, parameters and secrets that was not there before this run. */
  async leftovers(): Promise<string[]> {
    const names = await this.parameterNames();
    const left = names.filter((name) => !this.#namesBefore.includes(name) && this.#isOurs(name));
    return [
      ...Object.keys(await this.keys()).map((id) => `access key ${id} of user ${this.userName}`),
      ...left.map((name) => `parameter ${name}`),
      ...((await this.secret.isLeft()) ? [`secret ${this.secret.name}`] : []),
    ];
  }

  /**
   * Deletes the keys that this run made, with their parameters and the secret, and no others.
   *
   * @returns what is left all the same, be it of this run or not.
   */
  async cleanUp(): Promise<readonly string[]> {
    // What is local ends with moto.
    if (this.account.isLocal) return [];
    // Not by what IAM lists: a key that is seconds old may not be listed yet.
    for (const id of this.made) {
      const key = { UserName: this.userName, AccessKeyId: id };
      await unlessGone(this.#iam.send(new DeleteAccessKeyCommand(key)));
      await unlessGone(this.#ssm.send(new DeleteParameterCommand({ Name: `${PREFIX}/${id}` })));
    }
    await this.secret.delete();
    const deadline = Date.now() + this.account.patience;
    for (;;) {
      const leftovers = await this.leftovers();
      if (leftovers.length === 0 || Date.now() >= deadline) return leftovers;
      await sleep(POLL_INTERVAL_MILLISECONDS);
    }
  }

  /** In an account that others use, new parameters may be those of their keys. */
  #isOurs(name: string): boolean {
    const [, id = ''] = name.split(`${PREFIX}/`);
    return this.account.isLocal || id.startsWith('pending/') || this.made.includes(id);
  }

  /** Even where CREATE does not get to its end, its key must be known for the clean-up. */
  #noteKey(event: unknown, answer: unknown): void {
    const { action } = event as { action: string };
    const id = (answer as Partial<ProgressEvent> | null)?.resourceModel?.Id;
    if (action === 'CREATE' && typeof id === 'string' && !this.made.includes(id)) {
      this.made.push(id);
    }
  }
}

async function unlessGone(deletion: Promise<unknown>): Promise<void> {
  try {
    await deletion;
  } catch (error) {
    if (error instanceof NoSuchEntityException || error instanceof ParameterNotFound) return;
    throw error;
  }
}
