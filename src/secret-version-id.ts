const PREFIX = 'org-iam-access-key-';

/** A version names its key, so that the key of a version is known without reading the secret. */
export function toSecretVersionId(accessKeyId: string): string {
  return PREFIX + accessKeyId;
}

/** @returns undefined for a version that somebody else wrote. */
export function toAccessKeyId(secretVersionId: string): string | undefined {
  return secretVersionId.startsWith(PREFIX) ? secretVersionId.slice(PREFIX.length) : undefined;
}
