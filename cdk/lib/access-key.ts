import { ArnFormat, Resource, SecretValue } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { CfnAccessKey } from './access-key.generated.ts';

/** Those of `AccessKey` in aws-cdk-lib/aws-iam, and what only this type can do. */
export interface AccessKeyProps extends iam.AccessKeyProps {
  /**
   * Where the secret access key goes, in the stack's own account and Region: each key becomes a new
   * version, a JSON object with `AccessKeyId`, `SecretAccessKey`, `UserName`, `SesSmtpPassword` and
   * `SesSmtpEndpoint`.
   * It is then kept nowhere else, and CloudFormation sees it only where a template resolves it. The
   * type's execution role needs permissions for the secret, which the registration's
   * `SecretNamePattern` gives it: so a secret needs a `secretName` that the pattern covers.
   *
   * Changing the secret replaces the key.
   *
   * @default - Parameter Store keeps the secret access key
   */
  readonly secret?: ISecret | undefined;

  /**
   * Names for the fields of the secret: `{ AccessKeyId: 'username' }`. Changing them replaces the key.
   *
   * @default - each field has its own name
   */
  readonly secretKeys?: { [field: string]: string } | undefined;

  /**
   * The Region of Amazon SES that password and endpoint are for. Changing it replaces the key.
   *
   * @default - the stack's
   */
  readonly sesRegion?: string | undefined;

  /**
   * What the key is for, up to 256 characters. The IAM console shows it. It changes without
   * interruption.
   *
   * @default - no description
   */
  readonly description?: string | undefined;
}

/**
 * An access key of an IAM user, made by Org::IAM::AccessKey: drops in for `AccessKey` of
 * aws-cdk-lib/aws-iam. The type has to be registered in the account and Region of the stack.
 *
 * A higher `serial` rotates the key: what uses its attributes is updated to the new key before the
 * old one is deleted. Removing the construct deletes the key.
 */
export class AccessKey extends Resource implements iam.IAccessKey {
  readonly accessKeyRef: iam.IAccessKey['accessKeyRef'];
  readonly accessKeyId: string;

  /**
   * With `secret`, this very key's version in it, so that whatever uses this value waits for the
   * key and is updated when the key is rotated. Without, the attribute of the key, which
   * CloudFormation shows to nobody but hands on in plain text: it is only there where the type
   * configuration exposes it.
   */
  readonly secretAccessKey: SecretValue;

  /** The password for the SMTP interface of Amazon SES in `sesRegion`; likewise. */
  readonly sesSmtpPassword: SecretValue;

  /** The host of that interface; the user name is the access key ID. */
  readonly sesSmtpEndpoint: string;

  /** The version of `secret` that holds the key; undefined without one. */
  readonly secretVersionId: string | undefined;

  readonly #secret: ISecret | undefined;

  constructor(scope: Construct, id: string, props: AccessKeyProps) {
    super(scope, id);
    const { user, serial, status, description, secret, secretKeys, sesRegion } = props;
    if (status === iam.AccessKeyStatus.EXPIRED) {
      throw new Error(`${this.node.path}: IAM itself sets the status Expired, a template cannot`);
    }

    const resource = new CfnAccessKey(this, 'Resource', {
      userName: user.userName,
      serial,
      status,
      description,
      secretId: secret && this.#idOf(secret),
      secretKeys,
      sesRegion,
    });

    this.#secret = secret;
    this.accessKeyId = resource.ref;
    this.accessKeyRef = { accessKeyId: resource.ref };
    this.secretVersionId = secret && resource.attrSecretVersionId;
    this.secretAccessKey = this.#valueOf(resource, 'SecretAccessKey');
    this.sesSmtpPassword = this.#valueOf(resource, 'SesSmtpPassword');
    this.sesSmtpEndpoint = secret
      ? `email-smtp.${sesRegion ?? this.stack.region}.${this.stack.urlSuffix}`
      : resource.attrSesSmtpEndpoint;
  }

  /**
   * Lets the grantee read the secret, and so the access key that is current in it.
   *
   * @throws Error without `secret`, because nobody can be granted an attribute
   */
  grantRead(grantee: iam.IGrantable): iam.Grant {
    if (!this.#secret) {
      throw new Error(`${this.node.path}: grantRead needs the property secret, which is not set`);
    }
    return this.#secret.grantRead(grantee);
  }

  /** CDK takes the end of a partial ARN for the six characters that Secrets Manager adds. */
  #idOf({ secretFullArn, secretArn }: ISecret): string | undefined {
    return (
      secretFullArn ?? this.stack.splitArn(secretArn, ArnFormat.COLON_RESOURCE_NAME).resourceName
    );
  }

  #valueOf(resource: CfnAccessKey, name: 'SecretAccessKey' | 'SesSmtpPassword'): SecretValue {
    if (!this.#secret) return SecretValue.resourceAttribute(resource[`attr${name}`]);
    return SecretValue.secretsManager(this.#secret.secretArn, {
      jsonField: resource.secretKeys?.[name] ?? name,
      versionId: resource.attrSecretVersionId,
    });
  }
}
