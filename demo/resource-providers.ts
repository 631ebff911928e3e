import { randomUUID } from 'node:crypto';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  IAMClient,
} from '@aws-sdk/client-iam';
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import type { Properties } from '../local/cloudformation.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { Stage } from './stage.ts';

/** What CloudFormation does with resources of one type. */
export interface ResourceProvider {
  readonly createOnly: readonly string[];
  /** @returns the physical id. */
  create(properties: Properties, logicalId: string): Promise<string>;
  update(id: string, before: Properties, properties: Properties, logicalId: string): Promise<void>;
  delete(id: string, properties: Properties, logicalId: string): Promise<void>;
  /** What Fn::GetAtt gives. */
  attribute?(id: string, name: string): Promise<unknown>;
}

/** Providers by resource type: this type is left to the packaged function. */
export function resourceProviders(stage: Stage): Readonly<Record<string, ResourceProvider>> {
  const { credentials, endpoint, region } = stage.account;
  const config = { region, credentials, ...(endpoint && { endpoint }) };
  const iam = new IAMClient(config);
  return {
    'AWS::IAM::User': user(iam),
    'AWS::IAM::AccessKey': nativeKey(iam),
    'AWS::SecretsManager::Secret': secret(new SecretsManagerClient(config)),
    [schema.typeName]: key(stage),
  };
}

function user(iam: IAMClient): ResourceProvider {
  return {
    createOnly: ['UserName'],
    async create({ UserName }) {
      await iam.send(new CreateUserCommand({ UserName: String(UserName) }));
      return String(UserName);
    },
    update: () => Promise.reject(new Error('no template changes the user')),
    async delete(id) {
      await iam.send(new DeleteUserCommand({ UserName: id }));
    },
  };
}

/** CloudFormation itself remembers the secret of a key of the native type. */
function nativeKey(iam: IAMClient): ResourceProvider {
  const secrets = new Map<string, string>();
  return {
    createOnly: ['UserName', 'Serial'],
    async create({ UserName }) {
      const command = new CreateAccessKeyCommand({ UserName: String(UserName) });
      const { AccessKeyId = '', SecretAccessKey = '' } = (await iam.send(command)).AccessKey ?? {};
      secrets.set(AccessKeyId, SecretAccessKey);
      return AccessKeyId;
    },
    update: () => Promise.reject(new Error('no template changes the status of the native key')),
    async delete(id, { UserName }) {
      const key = { UserName: String(UserName), AccessKeyId: id };
      await iam.send(new DeleteAccessKeyCommand(key));
    },
    attribute: (id, name) =>
      Promise.resolve(name === 'SecretAccessKey' ? secrets.get(id) : undefined),
  };
}

function secret(secretsManager: SecretsManagerClient): ResourceProvider {
  const contentOf = async ({ SecretString }: Properties): Promise<string> => {
    const [, SecretId] =
      /^\{\{resolve:secretsmanager:([^:}]+)\}\}$/.exec(String(SecretString)) ?? [];
    if (SecretId === undefined) return String(SecretString);
    const value = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
    return String(value.SecretString);
  };
  return {
    createOnly: [],
    async create(properties, logicalId) {
      const Name = `${logicalId}-${randomUUID()}`;
      const SecretString = await contentOf(properties);
      const { ARN } = await secretsManager.send(new CreateSecretCommand({ Name, SecretString }));
      return String(ARN);
    },
    async update(id, _before, properties) {
      const SecretString = await contentOf(properties);
      await secretsManager.send(new PutSecretValueCommand({ SecretId: id, SecretString }));
    },
    async delete(id) {
      const command = new DeleteSecretCommand({ SecretId: id, ForceDeleteWithoutRecovery: true });
      await secretsManager.send(command);
    },
  };
}

function key(stage: Stage): ResourceProvider {
  const { cloudFormation } = stage;
  return {
    createOnly: schema.createOnlyProperties.map((pointer) => pointer.replace('/properties/', '')),
    async create(properties, logicalId) {
      const creation = cloudFormation.create(properties, { logicalId });
      return String((await stage.succeed('CREATE', creation)).Id);
    },
    async update(id, before, properties, logicalId) {
      const previous = { ...before, Id: id };
      await stage.settle('UPDATE', cloudFormation.update(previous, properties, { logicalId }));
    },
    async delete(id, _properties, logicalId) {
      await stage.settle('DELETE', cloudFormation.delete(id, { logicalId }));
    },
    attribute: async (id, name) => (await stage.succeed('READ', cloudFormation.read(id)))[name],
  };
}
