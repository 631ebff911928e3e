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
    @Expose({ name: 'Id' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'id', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    id?: Optional<string>;
    @Expose({ name: 'SecretAccessKey' })
    @Transform(
        (value: any, obj: any) =>
            transformValue(String, 'secretAccessKey', value, obj, []),
        {
            toClassOnly: true,
        }
    )
    secretAccessKey?: Optional<string>;
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

}

