const SHORTEST_SECRET = 8;

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

  redact(text: string): string {
    let redacted = text;
    for (const secret of this.#secrets) redacted = redacted.replaceAll(secret, '<REDACTED>');
    return redacted;
  }

  write(text: string): void {
    const message = this.redact(text);
    this.lines.push({ timestamp: Date.now(), message });
    console.log(message);
  }
}
