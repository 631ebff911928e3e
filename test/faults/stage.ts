import path from 'node:path';
import {
  CloudFormation,
  type CloudFormationOptions,
  type ProgressEvent,
} from '../../local/cloudformation.ts';
import {
  FunctionExit,
  startFunction,
  type Invoked,
  type LocalFunction,
} from '../../local/lambda-container.ts';
import { startMoto } from '../../local/moto-server.ts';
import { startAwsProxy, type AwsProxy } from '../support/aws-proxy.ts';
import { useStrictIam } from '../support/strict-iam.ts';
import { useStrictParameters } from '../support/strict-parameters.ts';
import { useStrictSecrets } from '../support/strict-secrets.ts';
import { Aws } from './aws.ts';
import { FaultProxy } from './fault-proxy.ts';

export const USER = 'ci-bot';
/** The user's own, which are no descriptions. */
export const TAGS = { team: 'release' };
export const SECRET = 'ci/release-bot';
export const PREFIX = '/org/iam/access-key';

const REGION = 'us-east-1';
const PRELOAD = path.resolve('test/faults/refuse-connection.cjs');

/** Longer than any patience of the handlers, in milliseconds. */
const AGES_MS = 100_000;

/** What the execution role's session would be. */
export const CALLER = {
  accessKeyId: 'ASIAEXECUTIONROLE000',
  secretAccessKey: 'execution-role-secret',
  sessionToken: 'execution-role-session',
};

/** With a log group the function delivers its log and metrics. */
export const DELIVERY = {
  logGroup: 'handler-logs',
  providerCredentials: {
    accessKeyId: 'ASIAPROVIDERROLE0000',
    secretAccessKey: 'provider-role-secret',
    sessionToken: 'provider-role-session',
  },
};

/** moto behind the strict proxy that the functional tests use, for all stages of a test. */
export interface Backend {
  /** For the function: as strict as IAM. */
  readonly strict: AwsProxy;
  /** For the test itself. */
  readonly moto: string;
  stop(): Promise<void>;
}

let accounts = 100_000_000_000;

export async function startBackend(): Promise<Backend> {
  const moto = await startMoto();
  const strict = await startAwsProxy(moto.endpoint);
  useStrictIam(strict);
  useStrictSecrets(strict, moto.endpoint);
  useStrictParameters(strict);
  return {
    strict,
    moto: moto.endpoint,
    stop: async () => {
      await strict.stop();
      await moto.stop();
    },
  };
}

export type Time = 'real' | 'skipping' | 'ages';

/** A function and its fault proxy; each `begin` gives it an account of its own. */
export class Stage {
  readonly proxy: FaultProxy;
  /**
   * How time passes between invocations: `real` waits as long as the handler asks; `skipping` does
   * not wait but lets the callback context and the keys look as if it had; `ages` makes them so old
   * that the handler's patience is over.
   */
  time: Time = 'real';
  /** Run in a process whose connections the proxy can have refused. */
  canRefuse = false;
  /** When the function's process ends before it answers, send the same event to a new one. */
  resends = false;
  readonly #backend: Backend;
  readonly #processes = new Map<boolean, Promise<LocalFunction>>();
  #aws: Aws | undefined;
  #account = '';
  #stackId = '';
  #invocations = 0;
  #beforeInvocation: (invocation: number) => void = () => undefined;

  private constructor(backend: Backend, proxy: FaultProxy) {
    this.#backend = backend;
    this.proxy = proxy;
  }

  static async start(backend: Backend): Promise<Stage> {
    return new Stage(backend, await FaultProxy.start(backend.strict));
  }

  get aws(): Aws {
    if (!this.#aws) throw new Error('begin() comes first');
    return this.#aws;
  }

  /** A new account with one user and nothing else, and a proxy that does nothing. */
  async begin(): Promise<void> {
    const account = String((accounts += 1));
    this.proxy.begin(account);
    this.#aws = new Aws(this.#backend.moto, account);
    this.#account = account;
    this.#stackId = `arn:aws:cloudformation:${REGION}:${account}:stack/faulty/1`;
    this.watchInvocations(() => undefined);
    this.time = 'real';
    this.canRefuse = false;
    this.resends = false;
    await this.aws.createUser(USER, TAGS);
  }

  /** @param before called before each invocation from now on, with its number from one on. */
  watchInvocations(before: (invocation: number) => void): void {
    this.#invocations = 0;
    this.#beforeInvocation = before;
  }

  cloudFormation(options: Partial<CloudFormationOptions> = {}): CloudFormation {
    return new CloudFormation({
      function: { invoke: (event) => this.#invoke(event) as never },
      credentials: CALLER,
      region: REGION,
      accountId: this.#account,
      stackId: this.#stackId,
      ...options,
    });
  }

  /** Ends the function in the middle of what it does; the next invocation starts a new process. */
  async kill(): Promise<void> {
    const running = this.#processes.get(this.canRefuse);
    this.#processes.delete(this.canRefuse);
    await (await running)?.kill();
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    await Promise.all([...this.#processes.values()].map(async (each) => (await each).kill()));
  }

  async #invoke(event: unknown): Promise<Invoked<ProgressEvent>> {
    this.#invocations += 1;
    this.#beforeInvocation(this.#invocations);
    const invoked = await this.#send(event).catch((error: unknown) => {
      if (this.resends && error instanceof FunctionExit) return this.#send(event);
      throw error;
    });
    return this.time === 'real' ? invoked : { ...invoked, answer: this.#pass(invoked.answer) };
  }

  async #send(event: unknown): Promise<Invoked<ProgressEvent>> {
    const running =
      this.#processes.get(this.canRefuse) ??
      startFunction({
        endpoint: this.proxy.endpoint,
        region: REGION,
        env: this.canRefuse ? { NODE_OPTIONS: `--require ${PRELOAD}` } : {},
      });
    this.#processes.set(this.canRefuse, running);
    return (await running).invoke<ProgressEvent>(event);
  }

  /** The answer as it would be if the time until the next invocation had passed already. */
  #pass(progress: ProgressEvent): ProgressEvent {
    const { callbackContext, callbackDelaySeconds = 0 } = progress;
    const startedAt = callbackContext?.startedAt;
    if (typeof startedAt !== 'number') return progress;
    const passed = this.time === 'ages' ? AGES_MS : callbackDelaySeconds * 1000;
    this.proxy.lags.ageing += passed;
    return {
      ...progress,
      callbackDelaySeconds: 0,
      callbackContext: { ...callbackContext, startedAt: startedAt - passed },
    };
  }
}
