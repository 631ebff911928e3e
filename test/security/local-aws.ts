import {
  CreateAccessKeyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { Credentials } from '../../local/cloudformation.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { startAwsProxy, type AwsProxy } from '../support/aws-proxy.ts';
import { ACCOUNT_ID, REGION, type Policy, type Role } from './roles.ts';

export const EVERYTHING: Policy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

/** Someone who may do everything, and whose calls no proxy sees. */
export class Admin {
  readonly iam: IAMClient;
  readonly secrets: SecretsManagerClient;

  constructor(endpoint: string, credentials: Credentials) {
    const config = { endpoint, region: REGION, credentials };
    this.iam = new IAMClient(config);
    this.secrets = new SecretsManagerClient(config);
  }

  destroy(): void {
    this.iam.destroy();
    this.secrets.destroy();
  }
}

/** moto that can enforce IAM, behind a proxy that sees every call. */
export class EnforcingAws {
  readonly proxy: AwsProxy;
  readonly #aws: LocalAws;
  readonly #iam: IAMClient;
  readonly #sts: STSClient;

  private constructor(aws: LocalAws, proxy: AwsProxy) {
    this.#aws = aws;
    this.proxy = proxy;
    const credentials = { accessKeyId: 'anybody', secretAccessKey: 'anybody' };
    const config = { endpoint: aws.endpoint, region: REGION, credentials };
    this.#iam = new IAMClient(config);
    this.#sts = new STSClient(config);
  }

  static async start(): Promise<EnforcingAws> {
    const aws = await startMoto();
    return new EnforcingAws(aws, await startAwsProxy(aws.endpoint));
  }

  async stop(): Promise<void> {
    this.#iam.destroy();
    this.#sts.destroy();
    await this.proxy.stop();
    await this.#aws.stop();
  }

  /** A new account, in which nothing is enforced yet. */
  async renew(): Promise<void> {
    await this.#aws.reset();
  }

  async createRole(RoleName: string, { trust, permissions }: Role): Promise<void> {
    const AssumeRolePolicyDocument = JSON.stringify(trust);
    await this.#iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
    await this.#iam.send(
      new PutRolePolicyCommand({
        RoleName,
        PolicyName: 'ResourceTypePolicy',
        PolicyDocument: JSON.stringify(permissions),
      }),
    );
  }

  /** A session of the role, none like another. */
  async assumeRole(name: string): Promise<Credentials> {
    const RoleArn = `arn:aws:iam::${ACCOUNT_ID}:role/${name}`;
    const session = await this.#sts.send(
      new AssumeRoleCommand({ RoleArn, RoleSessionName: 'handlers' }),
    );
    return toCredentials(session.Credentials);
  }

  /** Enforces IAM from now on. */
  async enforce(): Promise<Admin> {
    const UserName = 'admin';
    await this.#iam.send(new CreateUserCommand({ UserName }));
    await this.#iam.send(
      new PutUserPolicyCommand({
        UserName,
        PolicyName: 'Everything',
        PolicyDocument: JSON.stringify(EVERYTHING),
      }),
    );
    const { AccessKey } = await this.#iam.send(new CreateAccessKeyCommand({ UserName }));
    await this.#aws.enforceIam();
    return new Admin(this.#aws.endpoint, toCredentials(AccessKey));
  }
}

function toCredentials(
  given: { AccessKeyId?: string; SecretAccessKey?: string; SessionToken?: string } = {},
): Credentials {
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = given;
  return {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
}
