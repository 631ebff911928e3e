import { fork } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';

/** What is sent to local/lambda-runtime.ts, and what comes back. */
export interface Invocation {
  readonly event: string;
  /** The line that ends this invocation's log. */
  readonly endOfLog: string;
}
export interface Reply {
  readonly type: 'ready' | 'answer' | 'error';
  readonly payload?: string;
  readonly milliseconds: number;
}

export interface Exit {
  readonly type: 'exit';
  readonly how: string;
}

/** The child process behind a local container: one exchange at a time, with its log lines. */
export class ContainerProcess {
  readonly logs: string[] = [];
  readonly ended: Promise<void>;
  readonly #child;
  #exit: Exit | undefined;
  #reply: Reply | undefined;
  #endOfLog = '';
  #openLogs = 0;
  #claimed = 0;
  #settled: ((outcome: Reply | Exit) => void) | undefined;

  constructor(file: string, entrypoint: string, cwd: string, env: NodeJS.ProcessEnv) {
    const root = process.cwd();
    const child = fork(path.join(root, 'local/lambda-runtime.ts'), [file, entrypoint], {
      cwd,
      env,
      execArgv: [],
      execPath: path.join(root, 'node_modules/.bin/node'),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) {
        createInterface(stream).on('line', (line) => {
          this.#onLine(line);
        });
      }
    }
    child.on('message', (reply: Reply) => {
      this.#reply = reply;
      this.#settle();
    });
    this.ended = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#exit = { type: 'exit', how };
        this.#settle();
        resolve();
      };
      child.once('error', (error) => {
        end(error.message);
      });
      child.once('close', (code, signal) => {
        end(signal ?? `exit code ${code ?? 'unknown'}`);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Sends an invocation, or waits for the process to be ready where there is none. */
  async exchange(invocation?: Invocation): Promise<Reply | Exit> {
    if (invocation) {
      this.#reply = undefined;
      this.#endOfLog = invocation.endOfLog;
      this.#openLogs = 2;
      if (!this.#exit) {
        // Where it cannot be sent, the end of the process says why.
        this.#child.send(invocation, () => undefined);
      }
    }
    return new Promise((resolve) => {
      this.#settled = resolve;
      this.#settle();
    });
  }

  /** The lines logged since this was last asked. */
  claimLogs(): readonly string[] {
    const lines = this.logs.slice(this.#claimed);
    this.#claimed = this.logs.length;
    return lines;
  }

  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    this.#child.kill(signal);
    return this.ended;
  }

  #onLine(line: string): void {
    if (line === this.#endOfLog) {
      this.#openLogs -= 1;
      this.#settle();
    } else {
      this.logs.push(line);
    }
  }

  #settle(): void {
    const answered = this.#openLogs === 0 ? this.#reply : undefined;
    const outcome = answered ?? this.#exit;
    if (outcome) {
      this.#settled?.(outcome);
      this.#settled = undefined;
    }
  }
}
