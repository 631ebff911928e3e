const PIECE = 10;

/** Every way in which a text could hold the secret; in plain, a piece of it is enough. */
export function formsOf(secret: string): string[] {
  const escaped = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const bytes = Buffer.from(secret);
  const pieces = Array.from({ length: secret.length - PIECE + 1 }, (_, start) =>
    secret.slice(start, start + PIECE),
  );
  return [
    ...pieces,
    escaped,
    escaped.replaceAll('/', '\\/'),
    url,
    url.replaceAll(/%../g, (code) => code.toLowerCase()),
    bytes.toString('base64'),
    bytes.toString('base64url'),
    bytes.toString('hex'),
  ];
}

/** Those of the texts that hold one of the secrets in any form. */
export function leaksIn(texts: readonly string[], secrets: readonly string[]): string[] {
  const forms = secrets.flatMap(formsOf);
  return texts.filter((line) => forms.some((form) => line.includes(form)));
}
