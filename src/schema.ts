import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import type { ResourceModel, TypeConfigurationModel } from './models.ts';
import type { HandlerRequest } from './runtime/request.ts';
import type { Properties } from './runtime/schema-validation.ts';

export { schema };

export type Status = 'Active' | 'Inactive';

export type PreviousKey = Status | 'Deleted';

/** The fields of the secret that a key is delivered into. */
export type SecretField = keyof typeof schema.properties.SecretKeys.properties;

/** What a template calls them; one that it does not name keeps its name. */
export type SecretKeys = Readonly<Partial<Record<SecretField, string>>>;

export type Model = Omit<Properties<ResourceModel>, 'status' | 'previousKey' | 'secretKeys'> & {
  readonly status?: Status;
  readonly previousKey?: PreviousKey;
  readonly secretKeys?: SecretKeys | undefined;
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
