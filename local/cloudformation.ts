import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalFunction } from './lambda-container.ts';

export type Action = 'CREATE' | 'READ' | 'UPDATE' | 'DELETE' | 'LIST';
export type Properties = Readonly<Record<string, unknown>>;

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface ProgressEvent {
  readonly status: 'SUCCESS' | 'FAILED' | 'IN_PROGRESS';
  readonly errorCode?: string | null;
  readonly message?: string | null;
  readonly callbackContext?: Properties | null;
  readonly callbackDelaySeconds?: number;
  readonly resourceModel?: Properties | null;
  readonly resourceModels?: readonly Properties[] | null;
  readonly nextToken?: string | null;
}

/** The last progress event of an operation, with everything on the way to it. */
export interface Outcome extends ProgressEvent {
  readonly events: readonly ProgressEvent[];
  /** What was sent to the function, credentials included. */
  readonly requests: readonly object[];
  readonly logs: readonly string[];
  /** The time of each invocation inside the function. */
  readonly milliseconds: readonly number[];
}

export interface CloudFormationOptions {
  readonly function: Pick<LocalFunction, 'invoke'>;
  /** What the execution role's session would be; null sends an event without any. */
  readonly credentials: Credentials | null;
  readonly region: string;
  readonly accountId: string;
  readonly typeConfiguration?: Properties;
  /** null is how Cloud Control calls, which knows no stack. */
  readonly stackId?: string | null;
  /** With logGroup: what the handler may deliver its log and metrics with. */
  readonly providerCredentials?: Credentials;
  readonly logGroup?: string;
}

export interface OperationOptions {
  readonly logicalId?: string;
  /** The client request token; the same one again is CloudFormation's retry. */
  readonly token?: string;
  /** Whether the operation takes back a failed update. */
  readonly rollback?: boolean;
}

const TYPE_NAME = 'Org::IAM::AccessKey';
const OPERATION_TIMEOUT_MILLISECONDS = 5 * 60_000;

/** Drives the function as CloudFormation does, and follows each operation to its end. */
export class CloudFormation {
  readonly #options: CloudFormationOptions;
  readonly #stackId: string | null;

  constructor(options: CloudFormationOptions) {
    const { region, accountId } = options;
    this.#options = options;
    this.#stackId =
      options.stackId === undefined
        ? `arn:aws:cloudformation:${region}:${accountId}:stack/local/${randomUUID()}`
        : options.stackId;
  }

  create(properties: Properties, options?: OperationOptions): Promise<Outcome> {
    return this.#operate('CREATE', properties, options);
  }

  /** A string is the primary identifier alone, which is all that Fn::GetAtt and drift may send. */
  read(idOrModel: string | Properties, options?: OperationOptions): Promise<Outcome> {
    return this.#operate('READ', toModel(idOrModel), options);
  }

  update(previous: Properties, desired: Properties, options?: OperationOptions): Promise<Outcome> {
    const { Id } = previous;
    return this.#operate('UPDATE', Id === undefined ? desired : { Id, ...desired }, options, {
      previousResourceProperties: asStrings(previous),
    });
  }

  delete(idOrModel: string | Properties, options?: OperationOptions): Promise<Outcome> {
    return this.#operate('DELETE', toModel(idOrModel), options);
  }

  /** Follows nextToken to the last page and gives the models of all pages. */
  async list(filter: Properties = {}): Promise<Outcome> {
    const pages: Outcome[] = [];
    let nextToken: string | null | undefined;
    do {
      const page = await this.listPage(filter, nextToken);
      pages.push(page);
      nextToken = page.nextToken;
      if (page.status !== 'SUCCESS') {
        break;
      }
    } while (nextToken);
    const [last] = pages.slice(-1) as [Outcome];
    return {
      ...last,
      resourceModels: pages.flatMap((page) => page.resourceModels ?? []),
      events: pages.flatMap((page) => page.events),
      requests: pages.flatMap((page) => page.requests),
      logs: pages.flatMap((page) => page.logs),
      milliseconds: pages.flatMap((page) => page.milliseconds),
    };
  }

  listPage(filter: Properties = {}, nextToken?: string | null): Promise<Outcome> {
    return this.#operate('LIST', filter, {}, {}, nextToken ?? null);
  }

  async #operate(
    action: Action,
    properties: Properties,
    { logicalId = 'AccessKey', token = randomUUID(), rollback }: OperationOptions = {},
    requestData: object = {},
    nextToken: string | null = null,
  ): Promise<Outcome> {
    const requests: object[] = [];
    const events: ProgressEvent[] = [];
    const logs: string[] = [];
    const milliseconds: number[] = [];
    const deadline = Date.now() + OPERATION_TIMEOUT_MILLISECONDS;
    let resourceProperties = properties;
    let callbackContext: Properties | null = null;

    for (;;) {
      const request: object = {
        ...this.#event(action, logicalId, token, {
          resourceProperties: asStrings(resourceProperties),
          ...requestData,
        }),
        callbackContext,
        nextToken,
        ...(rollback !== undefined && { rollback }),
      };
      requests.push(request);
      const invoked = await this.#options.function.invoke<ProgressEvent>(request);
      const progress = invoked.answer;
      events.push(progress);
      logs.push(...invoked.logs);
      milliseconds.push(invoked.milliseconds);
      if (progress.status !== 'IN_PROGRESS') {
        return { ...progress, events, requests, logs, milliseconds };
      }
      if (Date.now() > deadline) {
        throw new Error(`${action} is IN_PROGRESS after ${events.length} invocations`);
      }
      resourceProperties = progress.resourceModel ?? resourceProperties;
      callbackContext = progress.callbackContext ?? null;
      await sleep((progress.callbackDelaySeconds ?? 0) * 1000);
    }
  }

  #event(action: Action, logicalResourceId: string, bearerToken: string, data: object): object {
    const { accountId, region, credentials, providerCredentials, logGroup, typeConfiguration } =
      this.#options;
    return {
      awsAccountId: accountId,
      bearerToken,
      region,
      action,
      responseEndpoint: null,
      resourceType: TYPE_NAME,
      resourceTypeVersion: '00000001',
      requestContext: null,
      stackId: this.#stackId,
      requestData: {
        callerCredentials: credentials,
        providerCredentials: providerCredentials ?? null,
        providerLogGroupName: logGroup ?? null,
        logicalResourceId,
        previousResourceProperties: null,
        systemTags: this.#stackId === null ? {} : { 'aws:cloudformation:stack-id': this.#stackId },
        stackTags: {},
        previousStackTags: {},
        typeConfiguration: typeConfiguration ?? null,
        ...data,
      },
    };
  }
}

function toModel(idOrModel: string | Properties): Properties {
  return typeof idOrModel === 'string' ? { Id: idOrModel } : idOrModel;
}

/** CloudFormation sends numbers and booleans as strings. */
function asStrings(properties: Properties): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name,
      typeof value === 'number' || typeof value === 'boolean' ? String(value) : value,
    ]),
  );
}
