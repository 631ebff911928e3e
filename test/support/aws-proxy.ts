import { AsyncLocalStorage } from 'node:async_hooks';
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Signature {
  /** Who signed it. */
  readonly accessKeyId: string | undefined;
  /** iam, sts, ssm, secretsmanager, logs or monitoring. */
  readonly service: string;
}

/** One AWS call, as whoever serves AWS sees it. */
export interface Call extends Signature {
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The same in each try of a call; undefined where no SDK made it. */
  readonly invocationId?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** Half of the body comes, and no more; the connection stays open. */
  readonly hangs?: boolean;
}

/** What of an HTTP request is sent on, beside its body. */
export type Request = Pick<IncomingMessage, 'method' | 'url' | 'headers'>;

/** Answers a call itself, or passes it on, changed or not, and may change what comes back. */
export type Behaviour = (
  call: Call,
  next: (call: Call) => Promise<Answer>,
) => Promise<Answer> | Answer;

export interface AwsProxy {
  readonly endpoint: string;
  /** Every call that came in, in order. */
  readonly calls: readonly Call[];
  /** From now on calls pass through `behaviour` first. @returns how to take it out again. */
  use(behaviour: Behaviour): () => void;
  /** Serves a request that came in otherwise. */
  serve(request: Request, body: string): Promise<Answer>;
  /** Makes a call of its own, unsigned and past every behaviour. */
  ask(action: string, parameters: Readonly<Record<string, string>>): Promise<Answer>;
  stop(): Promise<void>;
}

/** moto's account, for a caller who does not want the default one. */
const ACCOUNT = 'x-moto-account-id';
const account = new AsyncLocalStorage<string | string[] | undefined>();

/** What has a call that a behaviour makes of its own go to the account of the call that it serves. */
export function accountHeaders(): Record<string, string> {
  const id = account.getStore();
  return typeof id === 'string' ? { [ACCOUNT]: id } : {};
}

/** Serves the AWS that `upstream` serves, on a free port, with behaviours of the tests in between. */
export async function startAwsProxy(upstream: string): Promise<AwsProxy> {
  const calls: Call[] = [];
  const behaviours: Behaviour[] = [];
  const agent = new Agent({ keepAlive: true });

  const serve = async (request: Request, body: string): Promise<Answer> => {
    const call = toCall(request, body);
    calls.push(call);
    const forward = (forwarded: Call): Promise<Answer> =>
      send(upstream, agent, request, forwarded === call ? body : encode(body, forwarded));
    const chain = [...behaviours].reduce<(call: Call) => Promise<Answer>>(
      (next, behaviour) => async (passed) => behaviour(passed, next),
      forward,
    );
    return account.run(request.headers[ACCOUNT], () => chain(call));
  };

  const server = createServer((request, response) => {
    text(request)
      .then((body) => serve(request, body))
      .then(
        ({ status, headers, body, hangs = false }) => {
          response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) });
          if (hangs) response.write(body.slice(0, body.length / 2));
          else response.end(body);
        },
        () => response.destroy(),
      );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    endpoint: `http://127.0.0.1:${port}`,
    calls,
    use: (behaviour) => {
      behaviours.push(behaviour);
      return () => {
        behaviours.splice(behaviours.indexOf(behaviour), 1);
      };
    },
    serve,
    ask: async (action, parameters) => {
      const body = new URLSearchParams({ Action: action, Version: '2010-05-08', ...parameters });
      const signature = 'Credential=proxy/20260101/us-east-1/iam/aws4_request';
      const headers = { authorization: `AWS4-HMAC-SHA256 ${signature}`, ...accountHeaders() };
      const answer = await fetch(upstream, { method: 'POST', headers, body });
      return { status: answer.status, headers: {}, body: await answer.text() };
    },
    stop: async () => {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An answer that turns the call down, in the form of the service's protocol. */
export function refuse({ service }: Call, status: number, code: string, message: string): Answer {
  if (['iam', 'sts', 'cloudformation'].includes(service)) {
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
    return { status, headers: { 'content-type': 'text/xml' }, body };
  }
  const body = JSON.stringify({ __type: code, message });
  return { status, headers: { 'content-type': 'application/x-amz-json-1.1' }, body };
}

/** Who signed a request, for which service. */
export function signatureOf({ authorization = '' }: IncomingHttpHeaders): Signature {
  // From the end: whatever an event calls an access key id is signed with, slashes and all.
  const scope = /Credential=(.+)\/\d{8}\/[^/]+\/([^/]+)\/aws4_request\b/.exec(authorization);
  return { accessKeyId: scope?.[1], service: scope?.[2] ?? 'none' };
}

function toCall({ headers }: Request, body: string): Call {
  const signature = signatureOf(headers);
  const invocationId = headers['amz-sdk-invocation-id']?.toString();
  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const parameters = JSON.parse(body) as Record<string, unknown>;
    return { ...signature, action: target.split('.').at(-1) ?? '', parameters, invocationId };
  }
  const { Action = '', ...parameters } = Object.fromEntries(new URLSearchParams(body));
  return { ...signature, action: Action, parameters, invocationId };
}

function encode(body: string, { parameters }: Call): string {
  if (body.startsWith('{')) return JSON.stringify(parameters);
  const { Action = '' } = Object.fromEntries(new URLSearchParams(body));
  return new URLSearchParams({ Action, ...(parameters as Record<string, string>) }).toString();
}

function send(
  upstream: string,
  agent: Agent,
  { method, url = '/', headers }: Request,
  body: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': Buffer.byteLength(body) };
    const forwarded = httpRequest(new URL(url, upstream), {
      method,
      agent,
      headers: { ...headers, ...length },
    });
    forwarded.on('error', reject).on('response', (response) => {
      const answered = { ...response.headers };
      delete answered.connection;
      delete answered['transfer-encoding'];
      text(response).then((answer) => {
        resolve({ status: response.statusCode ?? 500, headers: answered, body: answer });
      }, reject);
    });
    forwarded.end(body);
  });
}
