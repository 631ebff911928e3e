import type { RequiredTag } from '../schema.ts';

/** In a pattern, each * stands for any characters. */
export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matches(pattern, text));
}

/** Takes no longer the more * there are. */
function matches(pattern: string, text: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return text === pattern;
  if (!text.startsWith(start)) return false;
  let position = start.length;
  for (const part of parts) {
    const found = text.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return text.slice(position).endsWith(end);
}

/** Whether each required tag is among the tags. */
export function hasTags(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[],
  required: readonly RequiredTag[],
): boolean {
  return required.every(({ key, value }) =>
    tags.some((tag) => tag.Key === key && matchesAny([value ?? '*'], tag.Value ?? '')),
  );
}
