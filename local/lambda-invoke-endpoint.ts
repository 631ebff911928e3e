import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { UncaughtError, type LocalFunction } from './lambda-container.ts';

export interface InvokeEndpoint {
  readonly url: string;
  stop(): Promise<void>;
}

const INVOKE_PATH = /^\/2015-03-31\/functions\/[^/]+\/invocations$/;

/** Serves Lambda's Invoke call over a local function, on a free port. */
export async function startInvokeEndpoint(
  lambda: Pick<LocalFunction, 'invoke'>,
): Promise<InvokeEndpoint> {
  const server = createServer((request, response) => {
    serve(lambda, request, response).catch((error: unknown) => {
      send(response, 200, { errorType: 'Runtime.ExitError', errorMessage: String(error) }, true);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function serve(
  lambda: Pick<LocalFunction, 'invoke'>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (request.method !== 'POST' || !INVOKE_PATH.test(pathname)) {
    send(response, 404, { Type: 'User', Message: `no such call: ${pathname}` });
    return;
  }
  const body = await text(request);
  let event: unknown;
  try {
    event = body === '' ? {} : JSON.parse(body);
  } catch {
    send(response, 400, { Type: 'User', Message: 'the payload is not JSON' });
    return;
  }
  try {
    const { answer } = await lambda.invoke(event);
    send(response, 200, answer);
  } catch (error) {
    if (!(error instanceof UncaughtError)) {
      throw error;
    }
    send(response, 200, JSON.parse(error.payload), true);
  }
}

function send(response: ServerResponse, status: number, body: unknown, failed = false): void {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'X-Amz-Executed-Version': '$LATEST',
    ...(failed ? { 'X-Amz-Function-Error': 'Unhandled' } : {}),
  });
  response.end(JSON.stringify(body));
}
