// This is a generated file. Modifications will be overwritten.
import { BaseModel, Dict, integer, Integer, Optional, transformValue } from '@amazon-web-services-cloudformation/cloudformation-cli-typescript-lib';
import { Exclude, Expose, Type, Transform } from 'class-transformer';

export class ResourceModel extends BaseModel {
    ['constructor']: typeof ResourceModel;

    @Exclude()
    public static readonly TYPE_NAME: string = 'Org::IAM::AccessKey';

    @Exclude()
    protected readonly IDENTIFIER_KEY_ID: string = '/properties/Id';

    @Expose({ name: 'UserName' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'userName', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    userName?: Optional<string>;
    @Expose({ name: 'Serial' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(Integer, 'serial', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    serial?: Optional<integer>;
    @Expose({ name: 'Status' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'status', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    status?: Optional<string>;
    @Expose({ name: 'PreviousKey' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'previousKey', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    previousKey?: Optional<string>;
    @Expose({ name: 'Description' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'description', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    description?: Optional<string>;
    @Expose({ name: 'SecretId' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'secretId', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    secretId?: Optional<string>;
    @Expose({ name: 'SecretKeys' })
    @Type(() => SecretKeys)
    secretKeys?: Optional<SecretKeys>;
    @Expose({ name: 'SesRegion' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'sesRegion', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    sesRegion?: Optional<string>;
    @Expose({ name: 'Id' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'id', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    id?: Optional<string>;
    @Expose({ name: 'PreviousKeyId' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'previousKeyId', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    previousKeyId?: Optional<string>;
    @Expose({ name: 'SecretAccessKey' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'secretAccessKey', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    secretAccessKey?: Optional<string>;
    @Expose({ name: 'SesSmtpPassword' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'sesSmtpPassword', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    sesSmtpPassword?: Optional<string>;
    @Expose({ name: 'SesSmtpEndpoint' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'sesSmtpEndpoint', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    sesSmtpEndpoint?: Optional<string>;
    @Expose({ name: 'SecretVersionId' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'secretVersionId', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    secretVersionId?: Optional<string>;
    @Expose({ name: 'CreateDate' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'createDate', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    createDate?: Optional<string>;

    @Exclude()
    public getPrimaryIdentifier(): Dict {
        const identifier: Dict = {};
        if (this.id != null) {
            identifier[this.IDENTIFIER_KEY_ID] = this.id;
        }

        // only return the identifier if it can be used, i.e. if all components are present
        return Object.keys(identifier).length === 1 ? identifier : null;
    }

    @Exclude()
    public getAdditionalIdentifiers(): Array<Dict> {
        const identifiers: Array<Dict> = new Array<Dict>();
        // only return the identifiers if any can be used
        return identifiers.length === 0 ? null : identifiers;
    }
}

export class SecretKeys extends BaseModel {
    ['constructor']: typeof SecretKeys;


    @Expose({ name: 'AccessKeyId' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'accessKeyId', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    accessKeyId?: Optional<string>;
    @Expose({ name: 'SecretAccessKey' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'secretAccessKey', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    secretAccessKey?: Optional<string>;
    @Expose({ name: 'UserName' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'userName', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    userName?: Optional<string>;
    @Expose({ name: 'SesSmtpPassword' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'sesSmtpPassword', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    sesSmtpPassword?: Optional<string>;
    @Expose({ name: 'SesSmtpEndpoint' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'sesSmtpEndpoint', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    sesSmtpEndpoint?: Optional<string>;

}

export class TypeConfigurationModel extends BaseModel {
    ['constructor']: typeof TypeConfigurationModel;


    @Expose({ name: 'ParameterPrefix' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'parameterPrefix', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    parameterPrefix?: Optional<string>;
    @Expose({ name: 'KmsKeyId' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'kmsKeyId', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    kmsKeyId?: Optional<string>;
    @Expose({ name: 'ExposeSecretAccessKey' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(Boolean, 'exposeSecretAccessKey', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    exposeSecretAccessKey?: Optional<boolean>;
    @Expose({ name: 'AllowedUserPaths' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'allowedUserPaths', value, obj, [Array]),
        {
            toClassOnly: true,
        }
    )
    allowedUserPaths?: Optional<Array<string>>;
    @Expose({ name: 'AllowedUserNames' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'allowedUserNames', value, obj, [Array]),
        {
            toClassOnly: true,
        }
    )
    allowedUserNames?: Optional<Array<string>>;
    @Expose({ name: 'RequirePermissionsBoundary' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(Object, 'requirePermissionsBoundary', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    requirePermissionsBoundary?: Optional<object>;
    @Expose({ name: 'RequiredUserTags' })
    @Type(() => RequiredUserTags)
    requiredUserTags?: Optional<Array<RequiredUserTags>>;
    @Expose({ name: 'RequiredSecretTags' })
    @Type(() => RequiredSecretTags)
    requiredSecretTags?: Optional<Array<RequiredSecretTags>>;
    @Expose({ name: 'MaxKeysPerUser' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(Integer, 'maxKeysPerUser', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    maxKeysPerUser?: Optional<integer>;
    @Expose({ name: 'RestrictSecretAccessKeyToStack' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(Boolean, 'restrictSecretAccessKeyToStack', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    restrictSecretAccessKeyToStack?: Optional<boolean>;

}

export class RequiredUserTags extends BaseModel {
    ['constructor']: typeof RequiredUserTags;


    @Expose({ name: 'Key' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'key', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    key?: Optional<string>;
    @Expose({ name: 'Value' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'value_', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    value_?: Optional<string>;

}

export class RequiredSecretTags extends BaseModel {
    ['constructor']: typeof RequiredSecretTags;


    @Expose({ name: 'Key' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'key', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    key?: Optional<string>;
    @Expose({ name: 'Value' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'value_', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    value_?: Optional<string>;

}

