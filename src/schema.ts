import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { ResourceModel, TypeConfigurationModel } from './models.ts';
import type { HandlerRequest } from './runtime/request.ts';
import type { Properties } from './runtime/schema-validation.ts';

export { schema };

export type Status = 'Active' | 'Inactive';

export type Model = Omit<Properties<ResourceModel>, 'status'> & { readonly status?: Status };

/** With the defaults of the schema. */
export type TypeConfiguration = Omit<Properties<TypeConfigurationModel>, 'requiredUserTags'> & {
  readonly parameterPrefix: string;
  readonly exposeSecretAccessKey: boolean;
  readonly maxKeysPerUser: number;
  readonly requiredUserTags?: readonly { readonly key: string; readonly value?: string }[];
};

export type Request = HandlerRequest<Model, TypeConfiguration>;
