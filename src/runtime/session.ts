import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import { Sha256 } from '@smithy/core/checksum';
import { StandardRetryStrategy } from '@smithy/core/retry';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { SignatureV4 } from '@smithy/signature-v4';
import type { AuthScheme, RetryStrategyV2 } from '@smithy/types';
import type { Log } from './log.ts';
import { ANSWER_MS, CONNECTION_MS, MAX_TRIES, REQUEST_MS } from './time-limits.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** The part of an AWS SDK client that a session needs. */
interface Client {
  readonly config: object;
  readonly middlewareStack: { add(middleware: never, options: never): void };
}

type ClientClass<C> = new (config: typeof SHARED & { region: string; signer: Signer }) => C;
type Signer = (authScheme?: AuthScheme) => Promise<SignatureV4>;

/** The IAM action that failed, for example `iam:CreateAccessKey`; set on every error of the clients. */
export const failedAction = Symbol('failedAction');

/** How the tries of the same call before this one failed; set on every error of the clients. */
export const earlierErrors = Symbol('earlierErrors');

/**
 * Whom the calls are made for. The clients outlive the invocations, as their connections do, since
 * new ones for each would cost time and memory; what belongs to an invocation, they ask for here.
 */
const current = new AsyncLocalStorage<Scope>();
const clients = new Map<unknown, Map<string, Client>>();

/** How the tries of a call failed so far, by its input: each call has one of its own. */
const failures = new WeakMap<object, Error[]>();

/** Where a session holds. Connections and caches that are made in it keep it, not the session. */
interface Scope {
  session: Session | undefined;
  readonly underWay: Set<Promise<unknown>>;
}

/** The AWS calls of one invocation: they sign with its credentials, and its log lists them. */
export class Session {
  readonly region: string;
  readonly log: Log;
  readonly credentials: Credentials;
  readonly deadline: AbortSignal;
  readonly retryStrategy: RetryStrategyV2;

  /** @param deadline ends the calls under way, and every later one. */
  constructor(
    region: string,
    log: Log,
    credentials: Credentials,
    deadline: AbortSignal,
    retryStrategy: RetryStrategyV2 = new StandardRetryStrategy(MAX_TRIES),
  ) {
    this.region = region;
    this.log = log;
    this.credentials = credentials;
    this.deadline = deadline;
    this.retryStrategy = retryStrategy;
  }

  /** A session like this one, but for what is given. */
  with(changes: { credentials?: Credentials; retryStrategy?: RetryStrategyV2 }): Session {
    const { credentials = this.credentials, retryStrategy = this.retryStrategy } = changes;
    return new Session(this.region, this.log, credentials, this.deadline, retryStrategy);
  }

  /**
   * Within the task, what the clients send is sent for this session; afterwards nothing is. Of calls
   * side by side one may fail with others still under way: they end first, or they would run on into
   * the next invocation.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    const scope: Scope = { session: this, underWay: new Set() };
    try {
      return await current.run(scope, task);
    } finally {
      await Promise.allSettled(scope.underWay);
      scope.session = undefined;
    }
  }

  /** A client of the session's Region; outside `run` it sends nothing. */
  client<C extends Client>(ClientClass: ClientClass<C>): C {
    const byRegion = clients.get(ClientClass) ?? new Map<string, Client>();
    clients.set(ClientClass, byRegion);
    const client = byRegion.get(this.region) ?? createClient(ClientClass, this.region);
    byRegion.set(this.region, client);
    return client as C;
  }
}

/**
 * Ends a request with its session, and an answer that does not come to its end: the SDK's own limit
 * is over with the first byte.
 */
class RequestHandler extends NodeHttpHandler {
  override async handle(...[request, options]: Parameters<NodeHttpHandler['handle']>) {
    const signals = [current.getStore()?.session?.deadline, options?.abortSignal];
    const [abortSignal, another] = signals.filter((signal) => signal instanceof AbortSignal);
    const answer = await super.handle(request, {
      ...options,
      abortSignal: abortSignal && another ? AbortSignal.any([abortSignal, another]) : abortSignal,
    });
    const body = answer.response.body as IncomingMessage;
    const limit = setTimeout(() => {
      body.destroy(Object.assign(new Error('the answer broke off'), { name: 'TimeoutError' }));
    }, ANSWER_MS);
    body.once('close', () => {
      clearTimeout(limit);
    });
    return answer;
  }
}

export const requestHandler = new RequestHandler({
  connectionTimeout: CONNECTION_MS,
  requestTimeout: REQUEST_MS,
  throwOnRequestTimeout: true,
});

/** What each client would otherwise look for in files and environment variables, and the session's part. */
const SHARED = {
  requestHandler,
  maxAttempts: MAX_TRIES,
  cacheMiddleware: true,
  defaultsMode: 'standard',
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  userAgentAppId: () => Promise.resolve(undefined),
  authSchemePreference: () => Promise.resolve<string[]>([]),
  // Never signed with: the signer has the session's.
  credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
  retryStrategy: {
    acquireInitialRetryToken: (scope) => getSession().retryStrategy.acquireInitialRetryToken(scope),
    // Without the time that an answer may ask to wait: the invocation has less than that.
    refreshRetryTokenForRetry: (token, errorInfo) =>
      getSession().retryStrategy.refreshRetryTokenForRetry(token, {
        ...errorInfo,
        retryAfterHint: undefined,
      }),
    recordSuccess: (token) => {
      getSession().retryStrategy.recordSuccess(token);
    },
  } satisfies RetryStrategyV2,
} as const;

function getSession(): Session {
  const session = current.getStore()?.session;
  if (!session) throw new Error('an AWS call outside of a session');
  return session;
}

function createClient<C extends Client>(ClientClass: ClientClass<C>, region: string): C {
  const client: C = new ClientClass({
    ...SHARED,
    region,
    signer: (authScheme) => {
      const { defaultSigningName = '' } = client.config as { defaultSigningName?: string };
      const signer = new SignatureV4({
        credentials: getSession().credentials,
        region: authScheme?.signingRegion ?? region,
        service: authScheme?.signingName ?? defaultSigningName,
        sha256: Sha256,
      });
      return Promise.resolve(signer);
    },
  });
  client.middlewareStack.add(logTry as never, { step: 'deserialize', priority: 'high' } as never);
  return client;
}

interface Try {
  readonly input: object;
}

function logTry(
  next: (args: Try) => Promise<unknown>,
  { clientName, commandName }: { clientName: string; commandName: string },
) {
  const service = clientName.replace(/Client$/, '').toLowerCase();
  const action = `${service}:${commandName.replace(/Command$/, '')}`;
  return async (args: Try): Promise<unknown> => {
    const { log } = getSession();
    const startedAt = performance.now();
    const write = (outcome: string) => {
      log.write(`${action} ${outcome} ${(performance.now() - startedAt).toFixed(0)} ms`);
    };
    const answer = next(args);
    current.getStore()?.underWay.add(answer);
    try {
      const output = await answer;
      write('succeeded');
      return output;
    } catch (error) {
      write(error instanceof Error ? error.name : 'failed');
      const earlier = failures.get(args.input) ?? [];
      failures.set(args.input, [...earlier, error as Error]);
      throw Object.assign(error as Error, { [failedAction]: action, [earlierErrors]: earlier });
    } finally {
      current.getStore()?.underWay.delete(answer);
    }
  };
}
