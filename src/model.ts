import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { AccessKey } from './access-keys.ts';
import type { ResourceModel, TypeConfigurationModel } from './models.ts';
import type { HandlerRequest, Properties } from './runtime/request.ts';
import type { StoredRecord } from './secret-store.ts';
import { toSecretVersionId } from './secret-version-id.ts';
import { toSesSmtpEndpoint, toSesSmtpPassword } from './ses-smtp.ts';

export { schema };

export type Model = Properties<ResourceModel>;
export type Status = 'Active' | 'Inactive';

/** With the defaults of the schema. */
export type TypeConfiguration = Omit<Properties<TypeConfigurationModel>, 'requiredUserTags'> & {
  readonly parameterPrefix: string;
  readonly exposeSecretAccessKey: boolean;
  readonly maxKeysPerUser: number;
  readonly requiredUserTags?: readonly { readonly key: string; readonly value?: string }[];
};

export type Request = HandlerRequest<Model, TypeConfiguration>;

/**
 * What READ returns of a key. One without a record was imported, and its secret is not known; one
 * with a secret in Secrets Manager has it there only.
 */
export function toModel(
  accessKey: AccessKey,
  record: StoredRecord | undefined,
  description: string | undefined,
  { model, region, typeConfiguration }: Request,
): Model {
  const { accessKeyId } = accessKey;
  const { exposeSecretAccessKey } = typeConfiguration;
  const secretAccessKey = exposeSecretAccessKey ? record?.secretAccessKey : undefined;
  return {
    userName: spelledLike(record?.userName ?? model.userName, accessKey.userName),
    status: accessKey.status,
    description,
    id: accessKeyId,
    createDate: accessKey.createDate.toISOString(),
    ...(secretAccessKey !== undefined && {
      secretAccessKey,
      sesSmtpPassword: toSesSmtpPassword(secretAccessKey, region),
      sesSmtpEndpoint: toSesSmtpEndpoint(region),
    }),
    ...(record?.secretId !== undefined && {
      secretId: record.secretId,
      secretVersionId: toSecretVersionId(accessKeyId),
    }),
  };
}

/** The properties of a model that a template sets, except for Serial, which is never returned. */
export function toWritable({ userName, status, description, secretId }: Model): Model {
  return { userName, status, description, secretId };
}

/** IAM takes a user name in any case; the template's spelling of the same name is no drift. */
export function isSameUser(userName: string | undefined, other: string): boolean {
  return userName?.toLowerCase() === other.toLowerCase();
}

function spelledLike(spelling: string | undefined, userName: string): string {
  return spelling !== undefined && isSameUser(spelling, userName) ? spelling : userName;
}
