import jsonata from 'jsonata';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { startMoto } from '../../local/moto-server.ts';

export interface Answer {
  readonly status: number;
  readonly body: string;
}

export interface StepFunctions {
  /** Where CloudFormation, IAM and Step Functions are served. */
  readonly endpoint: string;
  /** Seconds since 1970 on the clock of all executions. It jumps to the end of a wait. */
  now(): number;
  /** Each wait of an execution, in seconds, in the order in which they began. */
  waits(): readonly number[];
  /** Has something happen when the clock gets there. */
  at(time: number, happen: () => void): void;
  /** Runs executions beside each other to their end. @returns how each ended. */
  execute(stateMachineArn: string, executions?: number): Promise<Execution[]>;
  ask(action: string, parameters: object): Promise<unknown>;
  /** Forgets the waits, and what was still to happen. */
  forget(): void;
  stop(): Promise<void>;
}

export interface Execution {
  readonly status: string;
  readonly cause?: string;
  /** What Step Functions keeps of it. */
  readonly history: readonly { type: string }[];
}

interface Due {
  readonly time: number;
  /** Whether an execution waits for it. */
  readonly isWait: boolean;
  readonly happen: () => void;
}

/** Executes state machines. `serve` answers the AWS calls that they make, in the form of the Query protocol. */
export async function startStepFunctions(
  serve: (call: URLSearchParams) => Answer,
): Promise<StepFunctions> {
  let now = 1_800_000_000;
  let running = 0;
  let due: Due[] = [];
  let waits: number[] = [];

  /** Time goes on when every execution waits. */
  const goOn = (): void => {
    while (running > 0 && due.filter(({ isWait }) => isWait).length >= running) {
      const [next, ...later] = due.sort((a, b) => a.time - b.time);
      if (!next) return;
      due = later;
      now = Math.max(now, next.time);
      next.happen();
      if (next.isWait) return;
    }
  };

  const answer = async ({ url }: IncomingMessage, body: string): Promise<Answer> => {
    if (url === '/wait') {
      const seconds = JSON.parse(body) as number;
      waits.push(seconds);
      await new Promise<void>((happen) => {
        due.push({ time: now + seconds, isWait: true, happen });
        goOn();
      });
      return { status: 200, body: 'null' };
    }
    if (url === '/jsonata') {
      try {
        const expression = jsonata(JSON.parse(body) as string);
        const value: unknown = await expression.evaluate(null, { millis: () => now * 1000 });
        return { status: 200, body: JSON.stringify(value ?? null) };
      } catch (error) {
        return { status: 400, body: (error as Error).message };
      }
    }
    return serve(new URLSearchParams(body));
  };

  const world = createServer((request, response) => {
    text(request)
      .then((body) => answer(request, body))
      .then(
        ({ status, body }) => response.writeHead(status, { 'content-type': 'text/xml' }).end(body),
        () => response.destroy(),
      );
  });
  await new Promise<void>((resolve) => world.listen(0, '127.0.0.1', resolve));
  const { port } = world.address() as AddressInfo;

  const moto = await startMoto(['tools/step_functions.py', String(port)]);

  const ask = async (action: string, parameters: object): Promise<unknown> => {
    const response = await fetch(moto.endpoint, {
      method: 'POST',
      headers: {
        'x-amz-target': `AWSStepFunctions.${action}`,
        authorization: authorizationFor('states'),
      },
      body: JSON.stringify(parameters),
    });
    if (!response.ok) throw new Error(`${action}: ${await response.text()}`);
    return response.json();
  };

  const ended = async (executionArn: string): Promise<Execution> => {
    for (;;) {
      const execution = (await ask('DescribeExecution', { executionArn })) as Execution;
      if (execution.status === 'RUNNING') {
        await sleep(20);
        continue;
      }
      running -= 1;
      goOn();
      const { events } = (await ask('GetExecutionHistory', { executionArn })) as {
        events: Execution['history'];
      };
      return { ...execution, history: events };
    }
  };

  return {
    endpoint: moto.endpoint,
    now: () => now,
    waits: () => waits,
    at: (time, happen) => due.push({ time, isWait: false, happen }),
    execute: async (stateMachineArn, executions = 1) => {
      running = executions;
      const started = await Promise.all(
        Array.from({ length: executions }, () =>
          ask('StartExecution', { stateMachineArn, name: randomUUID() }),
        ),
      );
      return Promise.all(
        started.map((execution) => ended((execution as { executionArn: string }).executionArn)),
      );
    },
    ask,
    forget: () => {
      waits = [];
      due = [];
    },
    stop: async () => {
      await moto.stop();
      world.closeAllConnections();
      await new Promise((resolve) => world.close(resolve));
    },
  };
}

/** moto takes the Region and the service from it, and checks no signature. */
export function authorizationFor(service: string): string {
  const scope = `AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
}
