// Runs in the process of a local container: loads the function as Lambda does and answers invocations.
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';
import type { Invocation, Reply } from './lambda-container-process.ts';

type Handler = (event: unknown, context: object) => unknown;

const TIMEOUT_MILLISECONDS = 60_000;

const [, , file = '', entrypoint = ''] = process.argv;

// Without this the process would outlive the one that started it.
process.once('disconnect', () => process.exit());
// Ctrl-C reaches every process of a terminal: here it would cut an operation off in its middle.
process.on('SIGINT', () => undefined);

const startedAt = performance.now();
const handler = await load();
send({ type: 'ready', milliseconds: performance.now() - startedAt });

process.on('message', (invocation: Invocation) => {
  void answer(invocation).then((reply) => {
    // The end of the log travels apart from the answer, and either may arrive first.
    for (const stream of [process.stdout, process.stderr]) {
      stream.write(`${invocation.endOfLog}\n`);
    }
    send(reply);
  });
});

async function load(): Promise<Handler> {
  const loaded = (await import(pathToFileURL(path.resolve(file)).href)) as Record<string, unknown>;
  const exported = { ...(loaded.default as object | undefined), ...loaded } as typeof loaded;
  const found = exported[entrypoint];
  if (typeof found !== 'function') {
    throw new TypeError(`${file} exports no function ${entrypoint}`);
  }
  return found as Handler;
}

async function answer({ event }: Invocation): Promise<Reply> {
  const startedAt = performance.now();
  const deadline = startedAt + TIMEOUT_MILLISECONDS;
  const context = {
    awsRequestId: randomUUID(),
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()),
  };
  try {
    const payload = JSON.stringify((await handler(JSON.parse(event), context)) ?? null);
    return { type: 'answer', payload, milliseconds: performance.now() - startedAt };
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    const payload = { errorType: name, errorMessage: message, trace: stack?.split('\n') ?? [] };
    return {
      type: 'error',
      payload: JSON.stringify(payload),
      milliseconds: performance.now() - startedAt,
    };
  }
}

function send(reply: Reply): void {
  process.send?.(reply);
}
