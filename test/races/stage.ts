import { DeleteParameterCommand, GetParametersByPathCommand, SSMClient } from '@aws-sdk/client-ssm';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { CloudFormation } from '../../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { refuse, startAwsProxy, type AwsProxy, type Behaviour } from '../support/aws-proxy.ts';
import { useStrictIam } from '../support/strict-iam.ts';
import { useStrictParameters } from '../support/strict-parameters.ts';
import type { Weather } from './round.ts';

export interface Lane {
  readonly left: LocalFunction;
  readonly right: LocalFunction;
}

/** What exists, and the secrets that the keys were made with. */
export interface Holdings {
  readonly keys: Readonly<Record<string, string | undefined>>;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const REGION = 'us-east-1';
const ACCOUNT_ID = '123456789012';

/** One moto, and function processes in pairs, for rounds that run side by side. */
export class Stage {
  readonly lanes: readonly Lane[];
  readonly proxy: AwsProxy;
  readonly #aws: LocalAws;
  readonly #ssm: SSMClient;
  readonly #minted = new Map<string, string>();
  readonly #weathers = new Map<string | undefined, { weather: Weather; calls: number }>();

  private constructor(aws: LocalAws, proxy: AwsProxy, lanes: readonly Lane[]) {
    this.#aws = aws;
    this.proxy = proxy;
    this.lanes = lanes;
    const credentials = { accessKeyId: 'onlooker', secretAccessKey: 'onlooker' };
    this.#ssm = new SSMClient({ endpoint: aws.endpoint, region: REGION, credentials });
    proxy.use(this.#notice);
    Object.assign(useStrictIam(proxy), { users: 3, keys: 1 });
    useStrictParameters(proxy);
    proxy.use(this.#disturb);
  }

  static async open(lanes: number): Promise<Stage> {
    const aws = await startMoto();
    const proxy = await startAwsProxy(aws.endpoint);
    const { endpoint } = proxy;
    const startLane = async (): Promise<Lane> => {
      const [left, right] = [startFunction({ endpoint }), startFunction({ endpoint })];
      return { left: await left, right: await right };
    };
    return new Stage(aws, proxy, await Promise.all(Array.from({ length: lanes }, startLane)));
  }

  async close(): Promise<void> {
    await Promise.all(this.lanes.flatMap(({ left, right }) => [left.stop(), right.stop()]));
    this.#ssm.destroy();
    await this.proxy.stop();
    await this.#aws.stop();
  }

  /** A stack's operations in one function process, whose calls go through this weather. */
  cloudFormation(
    container: LocalFunction,
    { prefix, stackId, weather }: { prefix: string; stackId: string; weather?: Weather },
  ): CloudFormation {
    const accessKeyId = `ASIA${randomUUID().replaceAll('-', '').slice(0, 16).toUpperCase()}`;
    if (weather) this.#weathers.set(accessKeyId, { weather, calls: 0 });
    return new CloudFormation({
      function: container,
      credentials: { accessKeyId, secretAccessKey: 'caller', sessionToken: 'caller' },
      region: REGION,
      accountId: ACCOUNT_ID,
      stackId,
      typeConfiguration: { ParameterPrefix: prefix },
    });
  }

  secretOf(accessKeyId: unknown): string | undefined {
    return this.#minted.get(String(accessKeyId));
  }

  /** Makes an IAM call past the proxy. */
  async ask(action: string, parameters: Readonly<Record<string, string>>): Promise<string> {
    const { status, body } = await this.proxy.ask(action, parameters);
    if (status !== 200) throw new Error(`${action} ${JSON.stringify(parameters)}: ${body}`);
    return body;
  }

  async createKey(userName: string): Promise<string> {
    const body = await this.ask('CreateAccessKey', { UserName: userName });
    return this.#remember(body) ?? '';
  }

  /** The user's keys and the parameters under the prefix, as moto has them. */
  async holdings(userName: string, prefix: string): Promise<Holdings> {
    const body = await this.ask('ListAccessKeys', { UserName: userName });
    const ids = [...body.matchAll(/<AccessKeyId>([^<]+)</g)].map(([, id]) => id);
    const parameters: [string, unknown][] = [];
    let NextToken: string | undefined;
    do {
      const page = await this.#ssm.send(
        new GetParametersByPathCommand({
          Path: prefix,
          Recursive: true,
          WithDecryption: true,
          NextToken,
        }),
      );
      for (const { Name = '', Value = '' } of page.Parameters ?? []) {
        const { secretAccessKey } = JSON.parse(Value) as Record<string, unknown>;
        parameters.push([Name, secretAccessKey]);
      }
      NextToken = page.NextToken;
    } while (NextToken);
    return {
      keys: Object.fromEntries(ids.map((id) => [id, this.secretOf(id)])),
      parameters: Object.fromEntries(parameters),
    };
  }

  /** So that the rounds to come are no slower than the first. */
  async clear(userName: string, prefix: string): Promise<void> {
    const { keys, parameters } = await this.holdings(userName, prefix);
    for (const AccessKeyId of Object.keys(keys)) {
      await this.ask('DeleteAccessKey', { UserName: userName, AccessKeyId });
    }
    for (const Name of Object.keys(parameters)) {
      await this.#ssm.send(new DeleteParameterCommand({ Name }));
    }
    await this.ask('DeleteUser', { UserName: userName });
  }

  readonly #notice: Behaviour = async (call, next) => {
    const answer = await next(call);
    if (call.action === 'CreateAccessKey') this.#remember(answer.body);
    return answer;
  };

  /** @returns the id of the key that was made, if one was. */
  #remember(body: string): string | undefined {
    const [, id] = /<AccessKeyId>([^<]+)</.exec(body) ?? [];
    const [, secret = ''] = /<SecretAccessKey>([^<]+)</.exec(body) ?? [];
    if (id !== undefined) this.#minted.set(id, secret);
    return id;
  }

  readonly #disturb: Behaviour = async (call, next) => {
    const disturbed = this.#weathers.get(call.accessKeyId);
    if (!disturbed) return next(call);
    const { delays, loss, recordDelay } = disturbed.weather;
    const { before = 0, after = 0 } = delays[disturbed.calls++ % delays.length] ?? {};
    const lost = call.action === 'CreateAccessKey' ? loss : undefined;
    if (lost) disturbed.weather = { ...disturbed.weather, loss: undefined };

    const isRecord =
      call.action === 'PutParameter' && !/pending/.test(String(call.parameters.Name));
    await sleep(before + (isRecord ? recordDelay : 0));
    if (lost === 'request cut off') throw new Error(lost);
    const answer = await next(call);
    await sleep(after);
    switch (lost) {
      case 'answer cut off':
        throw new Error(lost);
      case 'answer garbled':
        return { ...answer, body: answer.body.slice(0, answer.body.length / 2) };
      case '500 after':
        return refuse(call, 500, 'ServiceFailure', lost);
      default:
        return answer;
    }
  };
}
