import { ArnFormat, type IResource, Resource, SecretValue } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { CfnAccessKey } from './access-key.generated';

/**
 * An access key of an IAM user, made in this app or known by its id.
 *
 * It has less than `IAccessKey` of aws-cdk-lib/aws-iam, which `AccessKey` is as well: nobody can look
 * up the secret of a key that exists.
 */
export interface IAccessKey extends IResource, iam.IAccessKeyRef {
  /**
   * The access key ID.
   *
   * @attribute
   */
  readonly accessKeyId: string;
}

/** What becomes of the key that a rotation replaces. */
export enum PreviousKey {
  /** It is deleted as soon as what uses it has the new key. */
  DELETED = 'Deleted',

  /** It is kept, and cannot be used until it is made active again. */
  INACTIVE = 'Inactive',

  /** It is kept, and goes on working. */
  ACTIVE = 'Active',
}

/** Names for the fields of a secret. */
export interface SecretKeys {
  /**
   * The name for the access key ID.
   *
   * @default AccessKeyId
   */
  readonly accessKeyId?: string | undefined;

  /**
   * The name for the secret access key.
   *
   * @default SecretAccessKey
   */
  readonly secretAccessKey?: string | undefined;

  /**
   * The name for the user's name.
   *
   * @default UserName
   */
  readonly userName?: string | undefined;

  /**
   * The name for the password of the SMTP interface of Amazon SES.
   *
   * @default SesSmtpPassword
   */
  readonly sesSmtpPassword?: string | undefined;

  /**
   * The name for the host of that interface.
   *
   * @default SesSmtpEndpoint
   */
  readonly sesSmtpEndpoint?: string | undefined;
}

/** Those of `AccessKey` in aws-cdk-lib/aws-iam, and what only this type can do. */
export interface AccessKeyProps extends iam.AccessKeyProps {
  /**
   * Where the secret access key goes, in the stack's own account and Region.
   *
   * Each key becomes a new version of it, a JSON object with `AccessKeyId`, `SecretAccessKey`,
   * `UserName`, `SesSmtpPassword` and `SesSmtpEndpoint`. The secret access key is then kept nowhere else, and
   * CloudFormation sees it only where a template resolves it. The type's execution role needs
   * permissions for the secret, which the registration's `SecretNamePattern` gives it: so a secret
   * needs a `secretName` that the pattern covers.
   *
   * Changing the secret replaces the key.
   *
   * @default - Parameter Store keeps the secret access key
   */
  readonly secret?: ISecret | undefined;

  /**
   * Names for the fields of the secret, as its readers expect them.
   *
   * Changing them replaces the key.
   *
   * @default - each field has its own name
   */
  readonly secretKeys?: SecretKeys | undefined;

  /**
   * The Region of Amazon SES that `sesSmtpPassword` and `sesSmtpEndpoint` are for.
   *
   * Changing it replaces the key.
   *
   * @default - the stack's Region
   */
  readonly sesRegion?: string | undefined;

  /**
   * What the key is for, up to 256 characters. The IAM console shows it.
   *
   * It changes without interruption.
   *
   * @default - no description
   */
  readonly description?: string | undefined;

  /**
   * What becomes of the key that a rotation replaces.
   *
   * It changes without interruption. A key that is kept goes with the next rotation, and with the
   * construct.
   *
   * @default PreviousKey.DELETED
   */
  readonly previousKey?: PreviousKey | undefined;
}

/** Lets others have an access key. */
export class AccessKeyGrants {
  /**
   * The grants for a key.
   *
   * @param accessKey the key
   */
  static fromAccessKey(accessKey: AccessKey): AccessKeyGrants {
    return new AccessKeyGrants(accessKey);
  }

  readonly #accessKey: AccessKey;

  private constructor(accessKey: AccessKey) {
    this.#accessKey = accessKey;
  }

  /**
   * Lets the grantee read the secret, and so the access key that is current in it.
   *
   * It throws for a key without `secret`, because nobody can be granted an attribute.
   *
   * @param grantee who may read it
   */
  read(grantee: iam.IGrantable): iam.Grant {
    const { node, secret } = this.#accessKey;
    if (!secret) {
      throw new Error(`${node.path}: to grant reading needs the property secret, which is not set`);
    }
    return secret.grantRead(grantee);
  }
}

/**
 * An access key of an IAM user, made by Org::IAM::AccessKey.
 *
 * It drops in for `AccessKey` of aws-cdk-lib/aws-iam. The type has to be registered in the account
 * and Region of the stack.
 *
 * A higher `serial` rotates the key: what uses its attributes is updated to the new key before the
 * old one is deleted. Removing the construct deletes the key.
 *
 * @resource Org::IAM::AccessKey
 */
export class AccessKey extends Resource implements IAccessKey, iam.IAccessKey {
  /**
   * Refers to a key that exists, whoever made it.
   *
   * @param scope the construct that the reference belongs to
   * @param id its name in the scope
   * @param accessKeyId the access key ID
   */
  static fromAccessKeyId(scope: Construct, id: string, accessKeyId: string): IAccessKey {
    class Import extends Resource implements IAccessKey {
      readonly accessKeyId = accessKeyId;
      readonly accessKeyRef = { accessKeyId };
    }
    return new Import(scope, id);
  }

  /** A reference to the key, for constructs that take any. */
  readonly accessKeyRef: iam.AccessKeyReference;

  readonly accessKeyId: string;

  /**
   * The secret access key.
   *
   * With `secret`, this very key's version in it, so that whatever uses this value waits for the
   * key and is updated when the key is rotated. Without, the attribute of the key, which
   * CloudFormation shows to nobody but hands on in plain text: it is only there where the type
   * configuration exposes it.
   *
   * @attribute
   */
  readonly secretAccessKey: SecretValue;

  /**
   * The password for the SMTP interface of Amazon SES in `sesRegion`, to be had in the same way as
   * `secretAccessKey`.
   *
   * @attribute
   */
  readonly sesSmtpPassword: SecretValue;

  /**
   * The host of the SMTP interface; the user name is the access key ID.
   *
   * @attribute
   */
  readonly sesSmtpEndpoint: string;

  /**
   * The version of `secret` that holds the key; undefined without one.
   *
   * @attribute
   */
  readonly secretVersionId: string | undefined;

  /**
   * When IAM made the key, in ISO 8601 format and UTC.
   *
   * @attribute
   */
  readonly createDate: string;

  /**
   * The key that this one replaced, to be had while that key lives.
   *
   * @attribute
   */
  readonly previousKeyId: string;

  /** Where the secret access key goes; undefined where Parameter Store keeps it. */
  readonly secret: ISecret | undefined;

  /** Lets others have the key. */
  readonly grants: AccessKeyGrants = AccessKeyGrants.fromAccessKey(this);

  constructor(scope: Construct, id: string, props: AccessKeyProps) {
    super(scope, id);
    const { user, serial, status, previousKey, description, secret, secretKeys, sesRegion } = props;
    if (status === iam.AccessKeyStatus.EXPIRED) {
      throw new Error(`${this.node.path}: IAM itself sets the status Expired, a template cannot`);
    }

    const resource = new CfnAccessKey(this, 'Resource', {
      userName: user.userName,
      serial,
      status,
      previousKey,
      description,
      secretId: secret && this.#idOf(secret),
      secretKeys,
      sesRegion,
    });

    this.secret = secret;
    this.accessKeyId = resource.ref;
    this.accessKeyRef = { accessKeyId: resource.ref };
    this.secretVersionId = secret && resource.attrSecretVersionId;
    this.secretAccessKey = this.#valueOf(
      resource.attrSecretAccessKey,
      secretKeys?.secretAccessKey ?? 'SecretAccessKey',
      resource.attrSecretVersionId,
    );
    this.sesSmtpPassword = this.#valueOf(
      resource.attrSesSmtpPassword,
      secretKeys?.sesSmtpPassword ?? 'SesSmtpPassword',
      resource.attrSecretVersionId,
    );
    this.sesSmtpEndpoint = secret
      ? `email-smtp.${sesRegion ?? this.stack.region}.${this.stack.urlSuffix}`
      : resource.attrSesSmtpEndpoint;
    this.createDate = resource.attrCreateDate;
    this.previousKeyId = resource.attrPreviousKeyId;
  }

  /**
   * Lets the grantee read the secret. The use of this method is discouraged: `grants.read()` is the
   * same.
   *
   * [disable-awslint:no-grants]
   *
   * @param grantee who may read it
   */
  grantRead(grantee: iam.IGrantable): iam.Grant {
    return this.grants.read(grantee);
  }

  /** CDK takes the end of a partial ARN for the six characters that Secrets Manager adds. */
  #idOf({ secretFullArn, secretArn }: ISecret): string | undefined {
    return (
      secretFullArn ?? this.stack.splitArn(secretArn, ArnFormat.COLON_RESOURCE_NAME).resourceName
    );
  }

  #valueOf(attribute: string, jsonField: string, versionId: string): SecretValue {
    return this.secret
      ? SecretValue.secretsManager(this.secret.secretArn, { jsonField, versionId })
      : SecretValue.resourceAttribute(attribute);
  }
}
