import { toStatus, type AccessKey } from '../aws/access-keys.ts';
import type { Model } from '../schema.ts';

/** @returns what IAM does not show yet of what was asked for; undefined where it shows all. */
export function findNotShown(
  { status, description }: Model,
  shown: AccessKey,
  shownDescription: string | undefined,
): string | undefined {
  if (toStatus(shown) !== status) return `IAM does not list it as ${status}`;
  if (shownDescription !== description) return 'IAM does not list it with its description';
  return undefined;
}
