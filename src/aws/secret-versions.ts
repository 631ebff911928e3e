import {
  DescribeSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
  type Tag,
} from '@aws-sdk/client-secrets-manager';
import { HandlerError, hasErrorCode, ifFound, isTransient } from '../runtime/progress-event.ts';
import type { Session } from '../runtime/session.ts';
import type { Model, SecretField } from '../schema.ts';
import { isAccessKeyId } from './access-key-id.ts';
import type { NewAccessKey } from './access-keys.ts';
import { callAws, present } from './errors.ts';
import { toSesSmtpEndpoint, toSesSmtpPassword } from './ses-smtp.ts';

/** A version names its key, so that the key of a version is known without reading the secret. */
const VERSION_ID_PREFIX = 'org-iam-access-key-';

type Stage = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS';

export interface Secret {
  readonly arn: string;
  readonly tags: readonly Tag[];
  /** Of each version. */
  readonly stages: ReadonlyMap<string, readonly string[]>;
}

/**
 * The versions of a secret in Secrets Manager, one per access key. A new one is AWSPENDING until
 * AWS accepts its key and then AWSCURRENT, whereby Secrets Manager makes the old one AWSPREVIOUS.
 * The secret is only ever written: no version is read back. Every method throws HandlerError only.
 */
export class SecretVersions {
  readonly #session: Session;
  readonly #client: SecretsManagerClient;
  readonly #secretId: string;

  constructor(session: Session, secretId: string) {
    this.#session = session;
    this.#client = session.client(SecretsManagerClient);
    this.#secretId = secretId;
  }

  /** @returns undefined where there is none, or one that is scheduled for deletion. */
  async find(): Promise<Secret | undefined> {
    return ifFound(this.#describe());
  }

  /** Writes the version. The same key again changes nothing. */
  async put(
    { accessKeyId, secretAccessKey }: NewAccessKey,
    { userName = '', sesRegion = this.#session.region, secretKeys = {} }: Model,
  ): Promise<void> {
    const fields: Record<SecretField, string> = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      UserName: userName,
      SesSmtpPassword: toSesSmtpPassword(secretAccessKey, sesRegion),
      SesSmtpEndpoint: toSesSmtpEndpoint(sesRegion),
    };
    this.#session.log.conceal(fields.SesSmtpPassword);
    const named = Object.entries(fields).map(([field, value]) => [
      secretKeys[field as SecretField] ?? field,
      value,
    ]);
    await callAws(`writing access key ${accessKeyId} to secret ${this.#secretId}`, () =>
      this.#client.send(
        new PutSecretValueCommand({
          SecretId: this.#secretId,
          ClientRequestToken: toSecretVersionId(accessKeyId),
          SecretString: JSON.stringify(Object.fromEntries(named)),
          VersionStages: ['AWSPENDING'],
        }),
      ),
    );
  }

  async has(accessKeyId: string): Promise<boolean> {
    return (await this.#describe())?.stages.has(toSecretVersionId(accessKeyId)) ?? false;
  }

  /** Makes the key's version the one that readers of the secret get. */
  async makeCurrent(accessKeyId: string): Promise<void> {
    const stages = (await this.#describe())?.stages;
    const versionId = toSecretVersionId(accessKeyId);
    const current = stages && findVersion(stages, 'AWSCURRENT');
    if (current !== versionId) await this.#moveStage('AWSCURRENT', current, versionId);
    if (stages?.get(versionId)?.includes('AWSPENDING')) {
      // Left on the current version the stage says nothing wrong, and the next version takes it.
      await this.#moveStage('AWSPENDING', versionId, undefined).catch(() => undefined);
    }
  }

  /**
   * To be called before the key is deleted. Readers of the secret get the version before it again,
   * unless that one's own key is gone.
   *
   * @param isUncertain whether the secret may be another's: one that may not be read is left alone then.
   */
  async retire(
    accessKeyId: string,
    isUncertain: boolean,
    isAlive: (accessKeyId: string) => Promise<boolean>,
  ): Promise<void> {
    try {
      const secret = await this.find().catch((error: unknown) => {
        if (isUncertain && !isTransient(error)) return undefined;
        throw error;
      });
      const stages = secret?.stages;
      const versionId = toSecretVersionId(accessKeyId);
      const own = stages?.get(versionId) ?? [];
      const previous = stages && findVersion(stages, 'AWSPREVIOUS');
      if (own.includes('AWSCURRENT') && previous !== undefined) {
        const previousKeyId = toAccessKeyId(previous);
        if (previousKeyId === undefined || (await isAlive(previousKeyId))) {
          await this.#moveStage('AWSCURRENT', versionId, previous);
        }
      }
      if (own.includes('AWSPENDING')) await this.#moveStage('AWSPENDING', versionId, undefined);
    } catch (error) {
      if (!hasErrorCode(error, 'InvalidRequest', 'NotFound')) throw error;
      if (!(await this.find())) return;
      // It is not the key that was not found.
      throw new HandlerError('ResourceConflict', (error as Error).message, { cause: error });
    }
  }

  /** Whether readers of the secret get this key. */
  async isCurrent(accessKeyId: string): Promise<boolean> {
    const stages = (await this.#describe())?.stages;
    return stages?.get(toSecretVersionId(accessKeyId))?.includes('AWSCURRENT') ?? false;
  }

  /** @returns undefined where the secret is scheduled for deletion. */
  async #describe(): Promise<Secret | undefined> {
    return callAws(`describing secret ${this.#secretId}`, async () => {
      const command = new DescribeSecretCommand({ SecretId: this.#secretId });
      const {
        ARN,
        DeletedDate,
        Tags = [],
        VersionIdsToStages = {},
      } = await this.#client.send(command);
      const arn = present(ARN);
      if (DeletedDate) return undefined;
      return { arn, tags: Tags, stages: new Map(Object.entries(VersionIdsToStages)) };
    });
  }

  async #moveStage(
    VersionStage: Stage,
    from: string | undefined,
    to: string | undefined,
  ): Promise<void> {
    try {
      await callAws(
        `moving ${VersionStage} of secret ${this.#secretId} to version ${to ?? '(none)'}`,
        () =>
          this.#client.send(
            new UpdateSecretVersionStageCommand({
              SecretId: this.#secretId,
              VersionStage,
              RemoveFromVersionId: from,
              MoveToVersionId: to,
            }),
          ),
      );
    } catch (error) {
      // A try whose answer was lost, or another attempt of the CREATE, has moved it already.
      if (!hasErrorCode(error, 'InvalidRequest')) throw error;
      const stages = (await this.#describe())?.stages;
      if (!stages || findVersion(stages, VersionStage) !== to) throw error;
    }
  }
}

function findVersion(
  stages: ReadonlyMap<string, readonly string[]>,
  stage: Stage,
): string | undefined {
  return [...stages].find(([, labels]) => labels.includes(stage))?.[0];
}

export function toSecretVersionId(accessKeyId: string): string {
  return VERSION_ID_PREFIX + accessKeyId;
}

/** @returns undefined for a version that somebody else wrote. */
export function toAccessKeyId(secretVersionId: string): string | undefined {
  if (!secretVersionId.startsWith(VERSION_ID_PREFIX)) return undefined;
  const accessKeyId = secretVersionId.slice(VERSION_ID_PREFIX.length);
  return isAccessKeyId(accessKeyId) ? accessKeyId : undefined;
}
