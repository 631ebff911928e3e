import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { ContainerProcess, type Reply } from './lambda-container-process.ts';
import { lambdaEnvironment } from './lambda-environment-variables.ts';

export interface FunctionOptions {
  /** The value of AWS_ENDPOINT_URL; without it the function calls AWS itself. */
  readonly endpoint?: string | undefined;
  readonly entrypoint?: 'entrypoint' | 'testEntrypoint';
  /** The unzipped package; `dist/handlers.js` in it is what runs. */
  readonly folder?: string;
  readonly region?: string;
  /** Variables beside those that Lambda sets. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Invoked<Answer = unknown> {
  readonly answer: Answer;
  /** What the invocation wrote to standard output and standard error, line by line. */
  readonly logs: readonly string[];
  /** The time from event to answer inside the function. */
  readonly milliseconds: number;
}

export interface LocalFunction {
  readonly pid: number;
  /** How long loading the code took, which a cold start pays. */
  readonly loadMilliseconds: number;
  /** Every line logged so far. */
  readonly logs: readonly string[];
  /**
   * Runs one invocation; further ones wait for it, as one Lambda container takes one at a time.
   *
   * @throws UncaughtError where the code let an error out, FunctionExit where the process ended.
   */
  invoke<Answer = unknown>(event: unknown): Promise<Invoked<Answer>>;
  /** Ends the process in the middle of whatever it does. */
  kill(): Promise<void>;
  /** Ends the process after the invocations that were asked for. */
  stop(): Promise<void>;
}

/** The code let an error out: Lambda answers with `payload` and calls it a function error. */
export class UncaughtError extends Error {
  override readonly name = 'UncaughtError';
  readonly payload: string;
  readonly logs: readonly string[];

  constructor(payload: string, logs: readonly string[]) {
    const { errorType, errorMessage } = JSON.parse(payload) as Record<string, string>;
    super(`the function threw ${String(errorType)}: ${String(errorMessage)}`);
    this.payload = payload;
    this.logs = logs;
  }
}

/** The process that ran the function is gone, and with it the answer. */
export class FunctionExit extends Error {
  override readonly name = 'FunctionExit';
  readonly logs: readonly string[];

  constructor(when: string, how: string, logs: readonly string[]) {
    super(`the process of the function ended ${when} (${how})\n${logs.join('\n')}`.trim());
    this.logs = logs;
  }
}

/** Runs the packaged function in a process of its own, as one Lambda container does. */
export async function startFunction(options: FunctionOptions = {}): Promise<LocalFunction> {
  const { endpoint, entrypoint = 'entrypoint', region = 'us-east-1' } = options;
  const folder = path.resolve(options.folder ?? 'build/TypeFunction');
  const file = path.join(folder, 'dist/handlers.js');
  if (!existsSync(file)) {
    throw new Error(`starting the function: ${file} is missing; run make build first`);
  }
  const child = new ContainerProcess(file, entrypoint, folder, {
    ...lambdaEnvironment(folder, entrypoint, region),
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }),
    ...options.env,
  });

  const ready = await child.exchange();
  if (ready.type === 'exit') {
    throw new FunctionExit('while it loaded', ready.how, child.claimLogs());
  }

  const invoke = async (event: unknown): Promise<Reply> => {
    const reply = await child.exchange({
      event: JSON.stringify(event),
      endOfLog: `end of log ${randomUUID()}`,
    });
    if (reply.type === 'exit') {
      throw new FunctionExit('before it answered', reply.how, child.claimLogs());
    }
    if (reply.type === 'error') {
      throw new UncaughtError(reply.payload ?? '{}', child.claimLogs());
    }
    return reply;
  };

  let last: Promise<unknown> = Promise.resolve();
  return {
    pid: child.pid,
    loadMilliseconds: ready.milliseconds,
    logs: child.logs,
    invoke: <Answer>(event: unknown) => {
      const invoked = last.then(async (): Promise<Invoked<Answer>> => {
        const { payload = 'null', milliseconds } = await invoke(event);
        return { answer: JSON.parse(payload) as Answer, logs: child.claimLogs(), milliseconds };
      });
      last = invoked.catch(() => undefined);
      return invoked;
    },
    kill: () => child.end('SIGKILL'),
    stop: async () => {
      await last;
      await child.end('SIGTERM');
    },
  };
}
