import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Account, Credentials } from './account.ts';

/** The key of each version that has a stage: `{ AWSCURRENT: 'AKIA…' }`. */
export type Stages = Readonly<Record<string, string>>;

/** How the type names the version of a key. */
const VERSION_ID_PREFIX = 'org-iam-access-key-';
const WATCH_INTERVAL_MILLISECONDS = 200;

/** A secret in Secrets Manager that keys are delivered into, empty at first. */
export class Secret {
  readonly name: string;
  readonly #client: SecretsManagerClient;
  readonly #watchInterval: number;
  #isMade = false;

  constructor(name: string, { region, credentials, endpoint, isLocal }: Account) {
    this.name = name;
    this.#client = new SecretsManagerClient({ region, credentials, ...(endpoint && { endpoint }) });
    this.#watchInterval = isLocal ? 0 : WATCH_INTERVAL_MILLISECONDS;
  }

  async create(): Promise<void> {
    await this.#client.send(new CreateSecretCommand({ Name: this.name }));
    this.#isMade = true;
  }

  async stages(): Promise<Stages> {
    const { VersionIdsToStages = {} } = await this.#client.send(
      new DescribeSecretCommand({ SecretId: this.name }),
    );
    const versions = Object.entries(VersionIdsToStages);
    return Object.fromEntries(
      versions.flatMap(([id, stages]) =>
        stages.map((stage) => [stage, id.replace(VERSION_ID_PREFIX, '')]),
      ),
    );
  }

  /** What there was of stages while the operation went on, each once. */
  async watch<T>(operation: Promise<T>): Promise<[T, Stages[]]> {
    const seen = new Map<string, Stages>();
    let isOver = false;
    const ended = operation.finally(() => {
      isOver = true;
    });
    ended.catch(() => undefined);
    while (!(isOver as boolean)) {
      const stages = await this.stages();
      seen.set(JSON.stringify(stages), stages);
      await sleep(this.#watchInterval);
    }
    return [await ended, [...seen.values()]];
  }

  /** What a reader of the secret gets; AWSCURRENT is the default at AWS, too. */
  async read(VersionStage = 'AWSCURRENT'): Promise<Credentials> {
    const { SecretString = '{}' } = await this.#client.send(
      // moto looks for the stage only where it is asked for.
      new GetSecretValueCommand({ SecretId: this.name, VersionStage }),
    );
    const { AccessKeyId = '', SecretAccessKey = '' } = JSON.parse(SecretString) as Record<
      string,
      string
    >;
    return { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey };
  }

  /** Deletes it for good where this run made it. */
  async delete(): Promise<void> {
    if (!this.#isMade) return;
    const command = { SecretId: this.name, ForceDeleteWithoutRecovery: true };
    await this.#client.send(new DeleteSecretCommand(command));
  }

  async isLeft(): Promise<boolean> {
    if (!this.#isMade) return false;
    try {
      const command = new DescribeSecretCommand({ SecretId: this.name });
      return (await this.#client.send(command)).DeletedDate === undefined;
    } catch (error) {
      if (error instanceof ResourceNotFoundException) return false;
      throw error;
    }
  }
}
