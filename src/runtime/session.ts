import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { Log } from './log.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

type ClientConfig = typeof SETTLED & { region: string; credentials: Credentials };

/** The part of an AWS SDK client that a session needs. */
interface Client {
  middlewareStack: { add(middleware: never, options: never): void };
}

/** The IAM action that failed, for example `iam:CreateAccessKey`; set on every error of a session's clients. */
export const failedAction = Symbol('failedAction');

/** Outlives the invocations so that connections do; it holds no credentials. */
export const requestHandler = new NodeHttpHandler({
  connectionTimeout: 3_000,
  requestTimeout: 5_000,
  throwOnRequestTimeout: true,
});

/** What each new client would otherwise look for in files and environment variables. */
const SETTLED = {
  requestHandler,
  maxAttempts: 3,
  retryMode: 'standard',
  defaultsMode: 'standard',
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  userAgentAppId: () => Promise.resolve(undefined),
  authSchemePreference: () => Promise.resolve<string[]>([]),
} as const;

/** The AWS clients of one invocation: they sign with its credentials and log each call. */
export class Session {
  readonly region: string;
  readonly log: Log;
  readonly #credentials: Credentials;

  constructor(region: string, credentials: Credentials, log: Log) {
    this.region = region;
    this.log = log;
    this.#credentials = credentials;
  }

  /** `overrides` are further options of the client, its retry strategy for example. */
  client<C extends Client, Config>(
    ClientClass: new (config: ClientConfig & Config) => C,
    overrides: Config = {} as Config,
  ): C {
    const client = new ClientClass({
      ...SETTLED,
      region: this.region,
      credentials: this.#credentials,
      ...overrides,
    });
    client.middlewareStack.add(
      this.#logAttempt as never,
      { step: 'deserialize', priority: 'high' } as never,
    );
    return client;
  }

  /** A session like this one that signs with other credentials. */
  withCredentials(credentials: Credentials): Session {
    return new Session(this.region, credentials, this.log);
  }

  readonly #logAttempt =
    (
      next: (args: unknown) => Promise<unknown>,
      context: { clientName: string; commandName: string },
    ) =>
    async (args: unknown): Promise<unknown> => {
      const service = context.clientName.replace(/Client$/, '').toLowerCase();
      const action = `${service}:${context.commandName.replace(/Command$/, '')}`;
      const startedAt = performance.now();
      const logOutcome = (outcome: string) => {
        this.log.write(`${action} ${outcome} ${(performance.now() - startedAt).toFixed(0)} ms`);
      };
      try {
        const output = await next(args);
        logOutcome('succeeded');
        return output;
      } catch (error) {
        logOutcome(error instanceof Error ? error.name : 'failed');
        throw Object.assign(error as Error, { [failedAction]: action });
      }
    };
}
