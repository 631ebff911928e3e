import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { ResourceModel, TypeConfigurationModel } from './models.ts';
import type { HandlerRequest } from './runtime/request.ts';
import type { Properties } from './runtime/schema-validation.ts';

export { schema };

export type Status = 'Active' | 'Inactive';

export type PreviousKey = Status | 'Deleted';

export type Model = Omit<Properties<ResourceModel>, 'status' | 'previousKey'> & {
  readonly status?: Status;
  readonly previousKey?: PreviousKey;
};

export interface RequiredTag {
  readonly key: string;
  /** With * for any characters; any value where it is absent. */
  readonly value?: string;
}

/** With the defaults of the schema. */
export type TypeConfiguration = Omit<
  Properties<TypeConfigurationModel>,
  'requiredUserTags' | 'requiredSecretTags' | 'requirePermissionsBoundary'
> & {
  readonly parameterPrefix: string;
  readonly exposeSecretAccessKey: boolean;
  readonly maxKeysPerUser: number;
  readonly restrictSecretAccessKeyToStack: boolean;
  /** true for any boundary, or patterns of the ARNs that will do. */
  readonly requirePermissionsBoundary: boolean | readonly string[];
  readonly requiredUserTags?: readonly RequiredTag[];
  readonly requiredSecretTags?: readonly RequiredTag[];
};

export type Request = HandlerRequest<Model, TypeConfiguration>;
