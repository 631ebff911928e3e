import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { AccessKey } from './access-keys.ts';
import type { ResourceModel, TypeConfigurationModel } from './models.ts';
import type { HandlerRequest, Properties } from './runtime/request.ts';
import type { StoredRecord } from './secret-store.ts';

export { schema };

export type Model = Properties<ResourceModel>;
export type Status = 'Active' | 'Inactive';

/** With the defaults of the schema. */
export type TypeConfiguration = Properties<TypeConfigurationModel> & {
  readonly parameterPrefix: string;
  readonly exposeSecretAccessKey: boolean;
};

export type Request = HandlerRequest<Model, TypeConfiguration>;

/** What READ returns of a key; one without a record was imported, and its secret is not known. */
export function toModel(
  accessKey: AccessKey,
  record: StoredRecord | undefined,
  request: Request,
): Model {
  return {
    userName: spelledLike(record?.userName ?? request.model.userName, accessKey.userName),
    status: accessKey.status,
    id: accessKey.accessKeyId,
    secretAccessKey: request.typeConfiguration.exposeSecretAccessKey
      ? record?.secretAccessKey
      : undefined,
    createDate: accessKey.createDate.toISOString(),
  };
}

/** IAM takes a user name in any case; the template's spelling of the same name is no drift. */
export function isSameUser(userName: string | undefined, other: string): boolean {
  return userName?.toLowerCase() === other.toLowerCase();
}

function spelledLike(spelling: string | undefined, userName: string): string {
  return spelling !== undefined && isSameUser(spelling, userName) ? spelling : userName;
}
