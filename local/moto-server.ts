import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

export interface LocalAws {
  /** Where every AWS service is served: the value for AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** Forgets every user, key, parameter and log line, and IAM enforcement. */
  reset(): Promise<void>;
  /** Makes moto evaluate IAM policies from now on, until the next reset. */
  enforceIam(): Promise<void>;
  stop(): Promise<void>;
}

const START_TIMEOUT_MILLISECONDS = 60_000;

/** Starts a moto server of its own on a free port; it ends with this process, however that ends. */
export async function startMoto(program = ['tools/moto_server.py']): Promise<LocalAws> {
  const root = process.cwd();
  const server = spawn(path.join(root, '.venv/bin/python'), program, {
    cwd: root,
    env: environmentWithoutAws(),
  });
  let complaints = '';
  server.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    complaints = (complaints + chunk).slice(-4096);
  });
  const ended = new Promise<void>((resolve) => {
    server.once('close', () => {
      resolve();
    });
  });
  const failed = new Promise<never>((_, reject) => {
    server.once('error', reject);
    server.once('close', () => {
      reject(new Error(`starting moto: the server ended: ${complaints}`));
    });
  });
  failed.catch(() => undefined);

  const timeout = setTimeout(() => server.kill('SIGKILL'), START_TIMEOUT_MILLISECONDS);
  const endpoint = await Promise.race([firstLine(server.stdout), failed]).finally(() => {
    clearTimeout(timeout);
  });
  // The first request loads what every later one needs.
  await post(endpoint, 'reset');

  return {
    endpoint,
    reset: async () => {
      // Resetting leaves enforcement as it is.
      await post(endpoint, 'reset-auth', 'inf');
      await post(endpoint, 'reset');
    },
    enforceIam: () => post(endpoint, 'reset-auth', '0'),
    stop: async () => {
      server.stdin.end();
      await ended;
    },
  };
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  const [line] = (await once(createInterface(stream), 'line')) as [string];
  return line;
}

async function post(endpoint: string, action: string, body?: string): Promise<void> {
  const answer = await fetch(`${endpoint}/moto-api/${action}`, { method: 'POST', body });
  const text = await answer.text();
  if (!answer.ok) {
    throw new Error(`moto answers ${action} with ${answer.status}: ${text}`);
  }
}

function environmentWithoutAws(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS|MOTO)_/.test(name));
  return Object.fromEntries(kept);
}
