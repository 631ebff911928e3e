/** What somebody else wrote: any field may be missing or of another type. */
export type Json = Readonly<Record<string, unknown>>;

export function asJson(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

/** @returns no fields where the text is not a JSON object. */
export function parseJson(text: string): Json {
  try {
    return asJson(JSON.parse(text)) ?? {};
  } catch {
    return {};
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function asText(value: unknown): string | undefined {
  return isText(value) ? value : undefined;
}

export function isRegion(value: unknown): value is string {
  return typeof value === 'string' && /^(?=.{1,63}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(value);
}

export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
