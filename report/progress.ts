import { stderr } from 'node:process';

const CLEAR_LINE = '\r\u001B[K';
const INTERVAL_MS = 100;

/** One line on stderr that says how far the report is; nothing where that is no terminal. */
export class Progress {
  readonly #startedAt = Date.now();
  #saidAt = 0;
  #isShown = false;

  say(text: string): void {
    if (!stderr.isTTY || Date.now() - this.#saidAt < INTERVAL_MS) return;
    this.#saidAt = Date.now();
    this.#isShown = true;
    const seconds = Math.round((this.#saidAt - this.#startedAt) / 1000);
    stderr.write(`${CLEAR_LINE}${text}, ${seconds} s`);
  }

  /** To be called before anything else is written. */
  clear(): void {
    if (this.#isShown) stderr.write(CLEAR_LINE);
    this.#isShown = false;
  }
}
