const SHORTEST_SECRET = 8;

const NOT_IN_A_LINE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

/** One invocation's log lines, without the secrets that it was told to conceal. */
export class Log {
  readonly lines: { timestamp: number; message: string }[] = [];
  readonly #secrets = new Set<string>();

  /** From now on these show as `<REDACTED>`, in their plain and in their URL-encoded form. */
  conceal(...secrets: (string | undefined)[]): void {
    for (const secret of secrets) {
      if (secret === undefined || secret.length < SHORTEST_SECRET) continue;
      this.#secrets.add(secret).add(encodeURIComponent(secret.toWellFormed()));
    }
  }

  /** The text without secrets and as one line: what AWS or an event says cannot look like another. */
  redact(text: string): string {
    let redacted = text;
    for (const secret of this.#secrets) redacted = redacted.replaceAll(secret, '<REDACTED>');
    return redacted.replaceAll(NOT_IN_A_LINE, ' ');
  }

  write(text: string): void {
    const message = this.redact(text);
    this.lines.push({ timestamp: Date.now(), message });
    console.log(message);
  }
}
