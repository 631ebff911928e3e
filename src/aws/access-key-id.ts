import { schema } from '../schema.ts';

const { pattern, minLength, maxLength } = schema.properties.Id;
const ID = new RegExp(pattern);

/** The shape of an id. What names a key without it, the type did not write. */
export function isAccessKeyId(text: string): boolean {
  return ID.test(text) && text.length >= minLength && text.length <= maxLength;
}
