import { asJson, isEmpty, isRegion, isText, type Json } from './json.ts';
import { HandlerError } from './progress-event.ts';
import {
  camelCased,
  coerced,
  defaults,
  onlyKnown,
  onlyValid,
  toName,
  validate,
  validateIdentifier,
  without,
  type ResourceSchema,
} from './schema-validation.ts';
import type { Credentials } from './session.ts';

export type Action = 'CREATE' | 'READ' | 'UPDATE' | 'DELETE' | 'LIST';

/** One invocation's request, checked against the schema. */
export interface HandlerRequest<Model, TypeConfiguration> {
  readonly action: Action;
  /** The same in every invocation of one CREATE, retries included; empty in the other actions. */
  readonly clientRequestToken: string;
  readonly region: string;
  readonly accountId: string | undefined;
  readonly stackId: string | undefined;
  readonly logicalResourceId: string | undefined;
  readonly model: Model;
  readonly previousModel: Model | undefined;
  /** What the last IN_PROGRESS of this operation left; undefined in the first invocation. */
  readonly callbackContext: Readonly<Record<string, unknown>> | undefined;
  readonly nextToken: string | undefined;
  readonly typeConfiguration: TypeConfiguration;
  /** Whether CloudFormation takes back an update that failed. */
  readonly isRollback: boolean;
}

const ACTIONS: readonly string[] = [
  'CREATE',
  'READ',
  'UPDATE',
  'DELETE',
  'LIST',
] satisfies Action[];

/**
 * Reads the event that CloudFormation sends to a type's `entrypoint`.
 *
 * @throws HandlerError InvalidRequest or InvalidTypeConfiguration, naming the property that is wrong.
 */
export function toHandlerRequest<Model, TypeConfiguration>(
  event: unknown,
  schema: ResourceSchema,
): HandlerRequest<Model, TypeConfiguration> {
  const {
    action,
    bearerToken,
    region,
    awsAccountId,
    stackId,
    nextToken,
    callbackContext,
    rollback,
    requestData,
  } = toJson(event);
  const data = toJson(requestData);
  if (typeof action !== 'string' || !ACTIONS.includes(action)) {
    throw new HandlerError('InvalidRequest', `action must be one of ${ACTIONS.join(', ')}`);
  }
  const isFirst = isEmpty(callbackContext);
  return {
    action: action as Action,
    clientRequestToken: action === 'CREATE' ? toText('bearerToken', bearerToken) : '',
    region: toRegion(region),
    accountId: isText(awsAccountId) ? awsAccountId : undefined,
    stackId: isText(stackId) ? stackId : undefined,
    logicalResourceId: isText(data.logicalResourceId) ? data.logicalResourceId : undefined,
    model: toModel(
      schema,
      action as Action,
      isFirst,
      toJson(data.resourceProperties ?? {}),
    ) as Model,
    previousModel: isEmpty(data.previousResourceProperties)
      ? undefined
      : (camelCased(coerced(schema.properties, toJson(data.previousResourceProperties))) as Model),
    callbackContext: isFirst ? undefined : toJson(callbackContext),
    nextToken: isEmpty(nextToken) ? undefined : toText('nextToken', nextToken),
    isRollback: rollback === true || rollback === 'true',
    typeConfiguration: toTypeConfiguration(schema, data.typeConfiguration) as TypeConfiguration,
  };
}

/** The credentials in an event's `requestData`, undefined where there are none that could sign. */
export function findCredentials(
  event: unknown,
  kind: 'callerCredentials' | 'providerCredentials',
): Credentials | undefined {
  const credentials = asJson(asJson(asJson(event)?.requestData)?.[kind]);
  const { accessKeyId, secretAccessKey, sessionToken } = credentials ?? {};
  if (!isAccessKeyId(accessKeyId) || !isSignable(secretAccessKey)) return undefined;
  if (isEmpty(sessionToken)) return { accessKeyId, secretAccessKey };
  return isSignable(sessionToken) ? { accessKeyId, secretAccessKey, sessionToken } : undefined;
}

function toModel(schema: ResourceSchema, action: Action, isFirst: boolean, properties: Json): Json {
  const given = coerced(schema.properties, properties);
  const readOnly = schema.readOnlyProperties.map(toName);
  switch (action) {
    case 'CREATE': {
      // The identifier comes back with the model of an IN_PROGRESS.
      const identifier = schema.primaryIdentifier.map(toName);
      const settled = readOnly.filter((name) => !identifier.includes(name));
      const forbidden = isFirst && settled.find((name) => given[name] !== undefined);
      if (forbidden)
        throw new HandlerError('InvalidRequest', `${forbidden} is read-only and cannot be set`);
      validate('InvalidRequest', schema, without(given, settled));
      return camelCased({ ...defaults(schema.properties), ...given });
    }
    case 'UPDATE':
      validateIdentifier(schema, given);
      validate('InvalidRequest', { ...schema, required: [] }, without(given, readOnly));
      return camelCased({ ...defaults(schema.properties), ...given });
    case 'READ':
    case 'DELETE':
      validateIdentifier(schema, given);
      return camelCased(onlyValid(schema, given));
    case 'LIST': {
      const filter = onlyKnown(schema, without(given, readOnly));
      validate('InvalidRequest', { ...schema, required: [] }, filter);
      return camelCased(filter);
    }
  }
}

function toTypeConfiguration(schema: ResourceSchema, value: unknown): Json {
  const { properties } = schema.typeConfiguration;
  const given = coerced(properties, toJson(value ?? {}, 'InvalidTypeConfiguration'));
  validate('InvalidTypeConfiguration', { properties, required: [] }, given);
  return camelCased({ ...defaults(properties), ...given });
}

function toJson(
  value: unknown,
  errorCode: 'InvalidRequest' | 'InvalidTypeConfiguration' = 'InvalidRequest',
): Json {
  const json = asJson(value);
  if (!json) throw new HandlerError(errorCode, 'the event lacks an object where it must have one');
  return json;
}

function toRegion(value: unknown): string {
  if (!isRegion(value)) throw new HandlerError('InvalidRequest', 'the event lacks a valid region');
  return value;
}

function toText(name: string, value: unknown): string {
  if (!isText(value)) throw new HandlerError('InvalidRequest', `the event lacks its ${name}`);
  return value;
}

/** What the scope of a signature can begin with. */
function isAccessKeyId(value: unknown): value is string {
  return typeof value === 'string' && /^\w+$/.test(value);
}

/** What a request's headers can carry. */
function isSignable(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}
