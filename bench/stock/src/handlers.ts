import {
    Action,
    BaseResource,
    exceptions,
    handlerEvent,
    LoggerProxy,
    OperationStatus,
    Optional,
    ProgressEvent,
    ResourceHandlerRequest,
    SessionProxy,
} from '@amazon-web-services-cloudformation/cloudformation-cli-typescript-lib';
import type IAM from 'aws-sdk/clients/iam';
import type SSM from 'aws-sdk/clients/ssm';
import type STS from 'aws-sdk/clients/sts';
import { ResourceModel, TypeConfigurationModel } from './models';

interface CallbackContext extends Record<string, any> {}

const PREFIX = '/org/iam/access-key';

class Resource extends BaseResource<ResourceModel> {
    @handlerEvent(Action.Create)
    public async create(
        session: Optional<SessionProxy>,
        request: ResourceHandlerRequest<ResourceModel>,
        callbackContext: CallbackContext,
        logger: LoggerProxy,
        typeConfiguration: TypeConfigurationModel,
    ): Promise<ProgressEvent<ResourceModel, CallbackContext>> {
        const model = new ResourceModel(request.desiredResourceState);
        const progress = ProgressEvent.progress<ProgressEvent<ResourceModel, CallbackContext>>(model);
        const { userName } = model;
        try {
            const created = await iam(session).createAccessKey({ UserName: userName }).promise();
            const { AccessKeyId, SecretAccessKey } = created.AccessKey;
            await ssm(session)
                .putParameter({
                    Name: `${PREFIX}/${AccessKeyId}`,
                    Value: JSON.stringify({ userName, secretAccessKey: SecretAccessKey }),
                    Type: 'SecureString',
                })
                .promise();
            model.id = AccessKeyId;
            const found = await find(session, AccessKeyId);
            await sts(session, AccessKeyId, SecretAccessKey).getCallerIdentity().promise();
            Object.assign(model, found);
            progress.status = OperationStatus.Success;
        } catch (err) {
            logger.log(err);
            throw new exceptions.InternalFailure(err.message);
        }
        return progress;
    }

    @handlerEvent(Action.Delete)
    public async delete(
        session: Optional<SessionProxy>,
        request: ResourceHandlerRequest<ResourceModel>,
        callbackContext: CallbackContext,
        logger: LoggerProxy,
        typeConfiguration: TypeConfigurationModel,
    ): Promise<ProgressEvent<ResourceModel, CallbackContext>> {
        const progress = ProgressEvent.progress<ProgressEvent<ResourceModel, CallbackContext>>();
        const { id } = request.desiredResourceState;
        try {
            const { userName } = await find(session, id);
            await iam(session).deleteAccessKey({ UserName: userName, AccessKeyId: id }).promise();
            await ssm(session).deleteParameter({ Name: `${PREFIX}/${id}` }).promise();
            progress.status = OperationStatus.Success;
        } catch (err) {
            logger.log(err);
            throw new exceptions.InternalFailure(err.message);
        }
        return progress;
    }

    @handlerEvent(Action.Read)
    public async read(
        session: Optional<SessionProxy>,
        request: ResourceHandlerRequest<ResourceModel>,
        callbackContext: CallbackContext,
        logger: LoggerProxy,
        typeConfiguration: TypeConfigurationModel,
    ): Promise<ProgressEvent<ResourceModel, CallbackContext>> {
        const model = new ResourceModel(request.desiredResourceState);
        try {
            Object.assign(model, await find(session, model.id));
        } catch (err) {
            logger.log(err);
            throw new exceptions.InternalFailure(err.message);
        }
        return ProgressEvent.success<ProgressEvent<ResourceModel, CallbackContext>>(model);
    }
}

/** The two calls of a READ: the parameter says which user's keys to list. */
async function find(session: Optional<SessionProxy>, id: string) {
    const { Parameters } = await ssm(session)
        .getParameters({ Names: [`${PREFIX}/${id}`], WithDecryption: true })
        .promise();
    const { userName, secretAccessKey } = JSON.parse(Parameters[0].Value);
    const { AccessKeyMetadata } = await iam(session).listAccessKeys({ UserName: userName }).promise();
    const key = AccessKeyMetadata.find(({ AccessKeyId }) => AccessKeyId === id);
    if (!key) {
        throw new exceptions.NotFound(ResourceModel.TYPE_NAME, id);
    }
    return {
        userName,
        status: key.Status,
        secretAccessKey,
        createDate: key.CreateDate.toISOString(),
    };
}

function iam(session: Optional<SessionProxy>): IAM {
    return session.client('IAM') as unknown as IAM;
}

function ssm(session: Optional<SessionProxy>): SSM {
    return session.client('SSM') as unknown as SSM;
}

function sts(session: Optional<SessionProxy>, accessKeyId: string, secretAccessKey: string): STS {
    const credentials = { accessKeyId, secretAccessKey } as any;
    return session.client('STS', { credentials }) as unknown as STS;
}

// @ts-ignore // if running against v1.0.1 or earlier of plugin the 5th argument is not known but best to ignored (runtime code may warn)
export const resource = new Resource(ResourceModel.TYPE_NAME, ResourceModel, null, null, TypeConfigurationModel)!;

// Entrypoint for production usage after registered in CloudFormation
export const entrypoint = resource.entrypoint;

// Entrypoint used for local testing
export const testEntrypoint = resource.testEntrypoint;
