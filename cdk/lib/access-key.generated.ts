// Written by scripts/generate.mjs from the schema of Org::IAM::AccessKey.
import { CfnResource, Token } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Names for the fields of the secret SecretId, each different from the others. A field that is not named keeps its name. A change replaces the access key. */
export interface CfnAccessKeySecretKeysProperty {
  /**
   * The name for the field AccessKeyId.
   *
   * @default - as the type has it
   */
  readonly accessKeyId?: string | undefined;
  /**
   * The name for the field SecretAccessKey.
   *
   * @default - as the type has it
   */
  readonly secretAccessKey?: string | undefined;
  /**
   * The name for the field UserName.
   *
   * @default - as the type has it
   */
  readonly userName?: string | undefined;
  /**
   * The name for the field SesSmtpPassword.
   *
   * @default - as the type has it
   */
  readonly sesSmtpPassword?: string | undefined;
  /**
   * The name for the field SesSmtpEndpoint.
   *
   * @default - as the type has it
   */
  readonly sesSmtpEndpoint?: string | undefined;
}

/** Properties of `CfnAccessKey`. */
export interface CfnAccessKeyProps {
  /**
   * The name of the IAM user that the access key belongs to. IAM compares user names without regard to case. A change replaces the access key.
   */
  readonly userName: string;
  /**
   * A number that can only be incremented. A higher number rotates the access key: CloudFormation creates the new key before it deletes the old one.
   *
   * @default - as the type has it
   */
  readonly serial?: number | undefined;
  /**
   * Whether the access key can be used for API calls (Active) or not (Inactive).
   *
   * @default - as the type has it
   */
  readonly status?: string | undefined;
  /**
   * What becomes of the access key that a rotation replaces: Deleted, or kept with this status until it is set to Deleted, the next rotation needs its place, or the resource is deleted. It is reported as it really is while that key lives. Without it, Deleted.
   *
   * @default - as the type has it
   */
  readonly previousKey?: string | undefined;
  /**
   * What the access key is for. The IAM console shows it; it is kept as a tag of the user whose key is the access key ID.
   *
   * @default - as the type has it
   */
  readonly description?: string | undefined;
  /**
   * The ARN or name of a Secrets Manager secret in the account and Region of the stack. A new version of it, with the fields AccessKeyId, SecretAccessKey, UserName, SesSmtpPassword and SesSmtpEndpoint, then is the only place where the secret access key is kept. A change replaces the access key.
   *
   * @default - as the type has it
   */
  readonly secretId?: string | undefined;
  /**
   * Names for the fields of the secret SecretId, each different from the others. A field that is not named keeps its name. A change replaces the access key.
   *
   * @default - as the type has it
   */
  readonly secretKeys?: CfnAccessKeySecretKeysProperty | undefined;
  /**
   * The Region of Amazon SES that SesSmtpPassword and SesSmtpEndpoint are for. Without it, the stack's Region. A change replaces the access key.
   *
   * @default - as the type has it
   */
  readonly sesRegion?: string | undefined;
}

/**
 * The resource Org::IAM::AccessKey as it is in a template; `ref` is its Id.
 *
 * @cloudformationResource Org::IAM::AccessKey
 */
export class CfnAccessKey extends CfnResource {
  /** The type of the resource. */
  static readonly CFN_RESOURCE_TYPE_NAME = 'Org::IAM::AccessKey';

  /** The name of the IAM user that the access key belongs to. IAM compares user names without regard to case. A change replaces the access key. */
  userName: string;
  /** A number that can only be incremented. A higher number rotates the access key: CloudFormation creates the new key before it deletes the old one. */
  serial?: number | undefined;
  /** Whether the access key can be used for API calls (Active) or not (Inactive). */
  status?: string | undefined;
  /** What becomes of the access key that a rotation replaces: Deleted, or kept with this status until it is set to Deleted, the next rotation needs its place, or the resource is deleted. It is reported as it really is while that key lives. Without it, Deleted. */
  previousKey?: string | undefined;
  /** What the access key is for. The IAM console shows it; it is kept as a tag of the user whose key is the access key ID. */
  description?: string | undefined;
  /** The ARN or name of a Secrets Manager secret in the account and Region of the stack. A new version of it, with the fields AccessKeyId, SecretAccessKey, UserName, SesSmtpPassword and SesSmtpEndpoint, then is the only place where the secret access key is kept. A change replaces the access key. */
  secretId?: string | undefined;
  /** Names for the fields of the secret SecretId, each different from the others. A field that is not named keeps its name. A change replaces the access key. */
  secretKeys?: CfnAccessKeySecretKeysProperty | undefined;
  /** The Region of Amazon SES that SesSmtpPassword and SesSmtpEndpoint are for. Without it, the stack's Region. A change replaces the access key. */
  sesRegion?: string | undefined;

  /**
   * The ID of the access key that this one replaced, while that key lives. It is recorded where PreviousKey is not Deleted when the access key is created.
   *
   * @cloudformationAttribute PreviousKeyId
   */
  readonly attrPreviousKeyId: string;
  /**
   * The secret access key, read from SSM Parameter Store. It is absent for an imported key, whose secret the type never saw, for a key with a SecretId, and when the type configuration sets ExposeSecretAccessKey to false.
   *
   * @cloudformationAttribute SecretAccessKey
   */
  readonly attrSecretAccessKey: string;
  /**
   * The password for the SMTP interface of Amazon SES in SesRegion, derived from the secret access key; the user name is the access key ID. It is present whenever SecretAccessKey is.
   *
   * @cloudformationAttribute SesSmtpPassword
   */
  readonly attrSesSmtpPassword: string;
  /**
   * The SMTP endpoint of Amazon SES in SesRegion. It is present whenever SecretAccessKey is.
   *
   * @cloudformationAttribute SesSmtpEndpoint
   */
  readonly attrSesSmtpEndpoint: string;
  /**
   * The version of the secret SecretId that holds the access key.
   *
   * @cloudformationAttribute SecretVersionId
   */
  readonly attrSecretVersionId: string;
  /**
   * When IAM created the access key, in ISO 8601 format and UTC.
   *
   * @cloudformationAttribute CreateDate
   */
  readonly attrCreateDate: string;

  constructor(scope: Construct, id: string, props: CfnAccessKeyProps) {
    super(scope, id, { type: CfnAccessKey.CFN_RESOURCE_TYPE_NAME });
    this.userName = props.userName;
    this.serial = props.serial;
    this.status = props.status;
    this.previousKey = props.previousKey;
    this.description = props.description;
    this.secretId = props.secretId;
    this.secretKeys = props.secretKeys;
    this.sesRegion = props.sesRegion;
    this.attrPreviousKeyId = Token.asString(this.getAtt('PreviousKeyId'));
    this.attrSecretAccessKey = Token.asString(this.getAtt('SecretAccessKey'));
    this.attrSesSmtpPassword = Token.asString(this.getAtt('SesSmtpPassword'));
    this.attrSesSmtpEndpoint = Token.asString(this.getAtt('SesSmtpEndpoint'));
    this.attrSecretVersionId = Token.asString(this.getAtt('SecretVersionId'));
    this.attrCreateDate = Token.asString(this.getAtt('CreateDate'));
  }

  protected override get cfnProperties(): Record<string, unknown> {
    return {
      UserName: this.userName,
      Serial: this.serial,
      Status: this.status,
      PreviousKey: this.previousKey,
      Description: this.description,
      SecretId: this.secretId,
      SecretKeys: this.secretKeys && {
        AccessKeyId: this.secretKeys.accessKeyId,
        SecretAccessKey: this.secretKeys.secretAccessKey,
        UserName: this.secretKeys.userName,
        SesSmtpPassword: this.secretKeys.sesSmtpPassword,
        SesSmtpEndpoint: this.secretKeys.sesSmtpEndpoint,
      },
      SesRegion: this.sesRegion,
    };
  }

  protected override renderProperties(
    properties: Record<string, unknown>,
  ): Record<string, unknown> {
    return properties;
  }
}
