import type { Holdings, Secret } from './aws.ts';

const OWN_VERSION = /^org-iam-access-key-(.*)$/;

export function versionOf(accessKeyId: string): string {
  return `org-iam-access-key-${accessKeyId}`;
}

/**
 * Whether the readers of each secret get a key that is there, if any of those in it is, and nothing
 * is on its way any more.
 *
 * @param told names what is left to the user to clear up.
 */
export function judgeSecrets({ keys, secrets }: Holdings, told = ''): string[] {
  const isAlive = (version: string): boolean => keys.has(keyOf(version) ?? '');
  const pending = pendingVersionsOf(secrets).filter((version) => !told.includes(version));
  const problems = secrets.flatMap((secret) => {
    const { stages, value } = secret;
    const current = currentOf(secret);
    const keyId = keyOf(current);
    return [
      ...(!isAlive(current) && [...stages.keys()].some(isAlive)
        ? [`AWSCURRENT is on ${current}, whose key is not there`]
        : []),
      ...(keyId !== undefined && !value.includes(`"AccessKeyId":"${keyId}"`)
        ? [`${current} holds another key`]
        : []),
    ];
  });
  return [...pending.map((version) => `AWSPENDING is left on ${version}`), ...problems];
}

/** Whether the readers of the secret get this key. */
export function holds({ value }: Secret, accessKeyId: string, secret: string | undefined): boolean {
  if (!value.startsWith('{')) return false;
  const { AccessKeyId, SecretAccessKey, ...named } = JSON.parse(value) as Readonly<
    Record<string, unknown>
  >;
  return (
    AccessKeyId === accessKeyId &&
    SecretAccessKey === secret &&
    Object.keys(named).sort().join() === 'SesSmtpEndpoint,owner,password'
  );
}

/** Those on their way to the readers; AWSPENDING means nothing on the version that they have got. */
export function pendingVersionsOf(secrets: readonly Secret[]): string[] {
  return secrets.flatMap(({ stages }) =>
    [...stages.keys()].filter((version) => {
      const labels = stages.get(version) ?? [];
      return labels.includes('AWSPENDING') && !labels.includes('AWSCURRENT');
    }),
  );
}

function currentOf({ stages }: Secret): string {
  return [...stages].find(([, labels]) => labels.includes('AWSCURRENT'))?.[0] ?? '(none)';
}

function keyOf(version: string): string | undefined {
  return OWN_VERSION.exec(version)?.[1];
}
