import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  TagUserCommand,
  UntagUserCommand,
  UpdateAccessKeyCommand,
  UpdateUserCommand,
  type CreateUserCommandInput,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import {
  DeleteParameterCommand,
  DescribeParametersCommand,
  GetParameterCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { randomUUID } from 'node:crypto';
import {
  CloudFormation,
  type CloudFormationOptions,
  type Credentials,
  type ProgressEvent,
} from '../../local/cloudformation.ts';
import {
  startFunction,
  type FunctionOptions,
  type LocalFunction,
} from '../../local/lambda-container.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { startAwsProxy, type AwsProxy, type Behaviour, type Call } from './aws-proxy.ts';
import { expectNoSecret, secretsIn, textsOf, type Exposure } from './sentinel.ts';
import { useStrictIam, type PageSizes } from './strict-iam.ts';
import { REST_MS, useStrictParameters, type ParameterStore } from './strict-parameters.ts';
import { useStrictSecrets } from './strict-secrets.ts';

export const REGION = 'us-east-1';
export const ACCOUNT_ID = '123456789012';
export const PREFIX = '/org/iam/access-key';

type Invokable = Pick<LocalFunction, 'invoke'>;
interface Made {
  readonly cloudFormation: CloudFormation;
  readonly id: string;
}

/**
 * The packaged type on a local AWS of its own, for the tests of one file. After each test it deletes
 * what the test's stacks still hold, as CloudFormation does with a stack, and looks for secrets in
 * whatever the test's operations showed; at the end nothing may be left.
 */
export function useLocalType(): LocalType {
  const type = new LocalType();
  beforeAll(() => type.start());
  afterEach(() => type.finishTest());
  afterAll(() => type.stop());
  return type;
}

/** The credentials of one session, none like another's. */
export function newCredentials(name: string): Credentials {
  const unique = randomUUID().replaceAll('-', '').toUpperCase();
  return {
    accessKeyId: `ASIA${unique.slice(0, 16)}`,
    // With the characters that IAM's secrets have, and that other encodings change.
    secretAccessKey: `${name}/secret+${unique}`,
    sessionToken: `${name}/token+${unique}==`,
  };
}

export class LocalType {
  aws!: LocalAws;
  proxy!: AwsProxy;
  /** How much strict IAM puts on a page. */
  pageSizes!: PageSizes;
  /** How strict Parameter Store takes names that were used before. */
  parameterStore!: ParameterStore;
  /** Who looks at the far side; sees what the handlers see. */
  iam!: IAMClient;
  ssm!: SSMClient;
  secretsManager!: SecretsManagerClient;
  container!: LocalFunction;
  readonly #admin = newCredentials('admin');
  readonly #containers: LocalFunction[] = [];
  #exposures: Exposure[] = [];
  #minted: string[] = [];
  #made: Made[] = [];
  #foreignKeys: { userName: string; id: string }[] = [];
  #behaviours: (() => void)[] = [];
  #firstCall = 0;

  async start(): Promise<void> {
    this.aws = await startMoto();
    this.proxy = await startAwsProxy(this.aws.endpoint);
    this.pageSizes = useStrictIam(this.proxy);
    useStrictSecrets(this.proxy, this.aws.endpoint);
    this.parameterStore = useStrictParameters(this.proxy, (call) => this.#isOnlooker(call));
    this.proxy.use(async (call, next) => {
      const answer = await next(call);
      const [, secret] = /<SecretAccessKey>([^<]+)</.exec(answer.body) ?? [];
      if (call.action === 'CreateAccessKey' && secret) this.#minted.push(secret);
      return answer;
    });
    const { endpoint } = this.proxy;
    const configuration = { endpoint, region: REGION, credentials: this.#admin };
    this.iam = new IAMClient(configuration);
    this.ssm = new SSMClient(configuration);
    this.secretsManager = new SecretsManagerClient(configuration);
    this.container = await this.startContainer();
    // moto loads a service at its first call: on a busy machine for longer than a handler waits.
    await Promise.all([this.allUsers(), this.parameters()]);
  }

  async stop(): Promise<void> {
    try {
      expect({
        keys: await this.allKeys(),
        parameters: await this.parameters(),
      }).toEqual({ keys: [], parameters: [] });
    } finally {
      await Promise.all(this.#containers.map((container) => container.stop()));
      this.iam.destroy();
      this.ssm.destroy();
      this.secretsManager.destroy();
      await this.proxy.stop();
      await this.aws.stop();
    }
  }

  /** Another process that runs the same package, as Lambda starts one beside the first. */
  async startContainer(options: FunctionOptions = {}): Promise<LocalFunction> {
    const container = await startFunction({
      endpoint: this.proxy.endpoint,
      region: REGION,
      ...options,
    });
    this.#containers.push(container);
    return container;
  }

  /** For operations on one and the same stack. */
  newStack(): { stackId: string } {
    return { stackId: `arn:aws:cloudformation:${REGION}:${ACCOUNT_ID}:stack/app/${randomUUID()}` };
  }

  /** A stack of its own, with an execution role of its own. */
  cloudFormation(options: Partial<CloudFormationOptions> = {}): CloudFormation {
    const watched: Invokable = {
      invoke: async <Answer>(event: unknown) => {
        const invoked = await this.invoke<Answer>(event, options.function);
        const { status, resourceModel } = invoked.answer as ProgressEvent;
        const { action } = event as { action: string };
        if (action === 'CREATE' && status === 'SUCCESS' && typeof resourceModel?.Id === 'string') {
          this.#made.push({ cloudFormation, id: resourceModel.Id });
        }
        return invoked;
      },
    };
    const cloudFormation = new CloudFormation({
      credentials: newCredentials('caller'),
      region: REGION,
      accountId: ACCOUNT_ID,
      ...options,
      function: watched,
    });
    return cloudFormation;
  }

  /** Sends any event; what it shows is looked through after the test like everything else. */
  async invoke<Answer = ProgressEvent>(event: unknown, container?: Invokable) {
    const exposure: { -readonly [Name in keyof Exposure]: Exposure[Name] } = {
      request: event,
      answer: undefined,
      logs: [],
    };
    this.#exposures.push(exposure);
    const invoked = await (container ?? this.container).invoke<Answer>(event);
    exposure.answer = invoked.answer as ProgressEvent;
    exposure.logs = invoked.logs;
    return invoked;
  }

  /** Meets the calls of this test's operations, not those that look at the far side. */
  use(behaviour: Behaviour): void {
    const undo = this.proxy.use((call, next) =>
      this.#isOnlooker(call) ? next(call) : behaviour(call, next),
    );
    this.#behaviours.push(undo);
  }

  /** Ends every behaviour that the test began. */
  allow(): void {
    for (const undo of this.#behaviours.splice(0)) undo();
  }

  /** The calls of this test's operations, without those that looked at the far side. */
  get calls(): readonly Call[] {
    return this.proxy.calls.slice(this.#firstCall).filter((call) => !this.#isOnlooker(call));
  }

  /** The secrets of the keys made in this test. */
  get mintedSecrets(): readonly string[] {
    return this.#minted;
  }

  async createUser(
    userName = `user-${randomUUID().slice(0, 8)}`,
    options: Pick<CreateUserCommandInput, 'Path' | 'Tags'> = {},
  ): Promise<string> {
    await this.iam.send(new CreateUserCommand({ UserName: userName, ...options }));
    return userName;
  }

  /** With the keys, as the console does it. */
  async deleteUser(UserName: string): Promise<void> {
    for (const { id } of await this.keysOf(UserName)) await this.deleteKey(UserName, id);
    await this.iam.send(new DeleteUserCommand({ UserName }));
  }

  async renameUser(UserName: string, NewUserName: string): Promise<void> {
    await this.iam.send(new UpdateUserCommand({ UserName, NewUserName }));
    for (const key of this.#foreignKeys) if (key.userName === UserName) key.userName = NewUserName;
  }

  /** A key that the type never made. */
  async createForeignKey(userName: string): Promise<string> {
    const answer = await this.iam.send(new CreateAccessKeyCommand({ UserName: userName }));
    const id = answer.AccessKey?.AccessKeyId ?? '';
    this.willDelete(userName, id);
    return id;
  }

  /** After the test, if the key is still there. */
  willDelete(userName: string, id: string): void {
    this.#foreignKeys.push({ userName, id });
  }

  /** Runs `act` while moto evaluates IAM policies. */
  async enforcingIam<T>(act: () => Promise<T>): Promise<T> {
    await this.aws.enforceIam();
    try {
      return await act();
    } finally {
      await fetch(`${this.aws.endpoint}/moto-api/reset-auth`, { method: 'POST', body: 'inf' });
    }
  }

  async setStatus(UserName: string, AccessKeyId: string, Status: 'Active' | 'Inactive') {
    await this.iam.send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status }));
  }

  async deleteKey(UserName: string, AccessKeyId: string): Promise<void> {
    await this.iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  }

  /** What an operation says that it left behind. */
  async deleteLeftover(userName: string, id: string): Promise<void> {
    expect(await this.keysOf(userName)).toContainEqual({ id, status: expect.any(String) });
    await this.deleteKey(userName, id);
    const name = `${PREFIX}/${id}`;
    if ((await this.parameters()).includes(name)) await this.deleteParameter(name);
  }

  async tag(UserName: string, tags: Readonly<Record<string, string>>): Promise<void> {
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await this.iam.send(new TagUserCommand({ UserName, Tags }));
  }

  async untag(UserName: string, ...TagKeys: string[]): Promise<void> {
    await this.iam.send(new UntagUserCommand({ UserName, TagKeys }));
  }

  async tagsOf(UserName: string): Promise<Record<string, string>> {
    const tags: Record<string, string> = {};
    let Marker: string | undefined;
    do {
      const page = await this.iam.send(new ListUserTagsCommand({ UserName, Marker }));
      for (const { Key = '', Value = '' } of page.Tags ?? []) tags[Key] = Value;
      Marker = page.Marker;
    } while (Marker);
    return tags;
  }

  /** @returns its name, and its ARN. */
  async createSecret(SecretString?: string): Promise<{ name: string; arn: string }> {
    const name = `secret-${randomUUID().slice(0, 8)}`;
    const { ARN = '' } = await this.secretsManager.send(
      new CreateSecretCommand({ Name: name, SecretString }),
    );
    return { name, arn: ARN };
  }

  /** Which version has which stage. */
  async stagesOf(SecretId: string): Promise<Record<string, string>> {
    const { VersionIdsToStages = {} } = await this.secretsManager.send(
      new DescribeSecretCommand({ SecretId }),
    );
    return Object.fromEntries(
      Object.entries(VersionIdsToStages).flatMap(([versionId, stages]) =>
        stages.map((stage) => [stage, versionId]),
      ),
    );
  }

  async secretValue(SecretId: string, VersionStage?: string): Promise<string> {
    const { SecretString = '' } = await this.secretsManager.send(
      new GetSecretValueCommand({ SecretId, VersionStage }),
    );
    return SecretString;
  }

  async keysOf(userName: string): Promise<{ id: string; status: string }[]> {
    const keys: { id: string; status: string }[] = [];
    let Marker: string | undefined;
    do {
      const page = await this.iam.send(new ListAccessKeysCommand({ UserName: userName, Marker }));
      for (const { AccessKeyId = '', Status = '' } of page.AccessKeyMetadata ?? []) {
        keys.push({ id: AccessKeyId, status: Status });
      }
      Marker = page.Marker;
    } while (Marker);
    return keys;
  }

  async allUsers(): Promise<string[]> {
    const names: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await this.iam.send(new ListUsersCommand({ Marker, MaxItems: 1000 }));
      names.push(...(page.Users ?? []).map(({ UserName = '' }) => UserName));
      Marker = page.Marker;
    } while (Marker);
    return names;
  }

  async allKeys(): Promise<string[]> {
    const keys: string[] = [];
    for (const userName of await this.allUsers()) {
      keys.push(...(await this.keysOf(userName)).map(({ id }) => `${userName} ${id}`));
    }
    return keys;
  }

  /** The names of all parameters there are, intents included. */
  async parameters(): Promise<string[]> {
    const names: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.ssm.send(
        new DescribeParametersCommand({ NextToken, MaxResults: 50 }),
      );
      names.push(...(page.Parameters ?? []).map(({ Name = '' }) => Name));
      NextToken = page.NextToken;
    } while (NextToken);
    return names.sort();
  }

  async parameter(Name: string): Promise<{ value: string; type: string; keyId: string }> {
    const [{ Parameter }, { Parameters: [metadata] = [] }] = await Promise.all([
      this.ssm.send(new GetParameterCommand({ Name, WithDecryption: true })),
      this.ssm.send(
        new DescribeParametersCommand({ ParameterFilters: [{ Key: 'Name', Values: [Name] }] }),
      ),
    ]);
    return {
      value: Parameter?.Value ?? '',
      type: Parameter?.Type ?? '',
      keyId: metadata?.KeyId ?? '',
    };
  }

  async overwriteParameter(Name: string, Value: string): Promise<void> {
    await this.ssm.send(
      new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true }),
    );
  }

  async deleteParameter(Name: string): Promise<void> {
    await this.ssm.send(new DeleteParameterCommand({ Name }));
  }

  async finishTest(): Promise<void> {
    this.allow();
    Object.assign(this.pageSizes, { users: 1000, keys: 1000, tags: 1000 });
    this.parameterStore.restMs = REST_MS;
    for (const { cloudFormation, id } of this.#made.splice(0)) {
      expect(['SUCCESS', 'NotFound']).toContain(outcomeOf(await cloudFormation.delete(id)));
    }
    for (const { userName, id } of this.#foreignKeys.splice(0)) {
      await this.deleteKey(userName, id).catch(() => undefined);
    }

    const exposures = this.#exposures.splice(0);
    const minted = this.#minted.splice(0);
    const { calls } = this;
    this.#firstCall = this.proxy.calls.length;
    expectNoSecret(secretsIn(exposures, minted), textsOf(exposures, calls));
  }

  #isOnlooker({ accessKeyId }: Call): boolean {
    return accessKeyId === this.#admin.accessKeyId;
  }
}

function outcomeOf({ status, errorCode }: ProgressEvent): string {
  return errorCode ?? status;
}
