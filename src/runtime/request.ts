import type { BaseModel } from '@amazon-web-services-cloudformation/cloudformation-cli-typescript-lib';
import { Validator } from '@cfworker/json-schema';
import { HandlerError } from './progress-event.ts';
import type { Credentials } from './session.ts';

export type Action = 'CREATE' | 'READ' | 'UPDATE' | 'DELETE' | 'LIST';

/** The properties of a generated model, as plain values: absent is undefined, an integer a number. */
export type Properties<M extends BaseModel> = {
  readonly [
    Name in Exclude<
      keyof M,
      keyof BaseModel | 'constructor' | 'getPrimaryIdentifier' | 'getAdditionalIdentifiers'
    >
  ]?: (NonNullable<M[Name]> extends bigint ? number : NonNullable<M[Name]>) | undefined;
};

/** One invocation's request, checked against the schema. */
export interface HandlerRequest<Model, TypeConfiguration> {
  readonly action: Action;
  /** The same in every invocation of one CREATE, retries included; empty in the other actions. */
  readonly clientRequestToken: string;
  readonly region: string;
  readonly stackId: string | undefined;
  readonly logicalResourceId: string | undefined;
  readonly model: Model;
  readonly previousModel: Model | undefined;
  /** What the last IN_PROGRESS of this operation left; undefined in the first invocation. */
  readonly callbackContext: Readonly<Record<string, unknown>> | undefined;
  readonly nextToken: string | undefined;
  readonly typeConfiguration: TypeConfiguration;
}

export interface ResourceSchema {
  readonly typeName: string;
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required: readonly string[];
  readonly readOnlyProperties: readonly string[];
  readonly primaryIdentifier: readonly string[];
  readonly typeConfiguration: { readonly properties: Readonly<Record<string, PropertySchema>> };
}

type PropertySchema = Readonly<Record<string, unknown>>;
type Json = Readonly<Record<string, unknown>>;

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
  const { action, bearerToken, region, stackId, nextToken, callbackContext, requestData } =
    toJson(event);
  const data = toJson(requestData);
  if (typeof action !== 'string' || !ACTIONS.includes(action)) {
    throw new HandlerError('InvalidRequest', `action must be one of ${ACTIONS.join(', ')}`);
  }
  const isFirst = isEmpty(callbackContext);
  return {
    action: action as Action,
    clientRequestToken: action === 'CREATE' ? toText('bearerToken', bearerToken) : '',
    region: toRegion(region),
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
  if (!isSignable(accessKeyId) || !isSignable(secretAccessKey)) return undefined;
  if (!isText(sessionToken)) return { accessKeyId, secretAccessKey };
  return isSignable(sessionToken) ? { accessKeyId, secretAccessKey, sessionToken } : undefined;
}

/** A model as CloudFormation knows it: under the schema's property names, without what is absent. */
export function toProperties(model: object): Json {
  const defined = Object.entries(model).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined.map(([name, value]) => [toPropertyName(name), value]));
}

/** `userName` is the generated models' name for the schema's `UserName`. */
export function toPropertyName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

export function asJson(value: unknown): Json | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : undefined;
}

function toModel(schema: ResourceSchema, action: Action, isFirst: boolean, properties: Json): Json {
  const given = coerced(schema.properties, properties);
  const readOnly = schema.readOnlyProperties.map(toName);
  switch (action) {
    case 'CREATE': {
      const forbidden = isFirst && readOnly.find((name) => given[name] !== undefined);
      if (forbidden)
        throw new HandlerError('InvalidRequest', `${forbidden} is read-only and cannot be set`);
      validate('InvalidRequest', schema, without(given, readOnly));
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

function validate(
  errorCode: 'InvalidRequest' | 'InvalidTypeConfiguration',
  { properties, required }: Pick<ResourceSchema, 'properties' | 'required'>,
  given: Json,
): void {
  const missing = required.find((name) => given[name] === undefined);
  if (missing) throw new HandlerError(errorCode, `${missing} is required`);
  for (const [name, value] of Object.entries(given)) {
    const fault = findFault(properties, name, value);
    if (fault) throw new HandlerError(errorCode, `${name} ${fault}`);
  }
}

/** What has an identifier that the schema rules out cannot exist. */
function validateIdentifier(
  { typeName, properties, primaryIdentifier }: ResourceSchema,
  given: Json,
): void {
  for (const name of primaryIdentifier.map(toName)) {
    const fault =
      given[name] === undefined ? 'is missing' : findFault(properties, name, given[name]);
    if (fault)
      throw new HandlerError('NotFound', `there is no such ${typeName}: its ${name} ${fault}`);
  }
}

function findFault(
  properties: ResourceSchema['properties'],
  name: string,
  value: unknown,
): string | undefined {
  const property = Object.hasOwn(properties, name) ? properties[name] : undefined;
  if (!property) return 'is not a property of this type';
  const [error] = new Validator(property, '7').validate(value).errors;
  if (error?.keyword === 'pattern')
    return `is not valid: it does not match ${String(property.pattern)}`;
  return error && `is not valid: ${error.error}`;
}

/** CloudFormation sends every primitive as a string. */
function coerced(properties: ResourceSchema['properties'], given: Json): Json {
  const entries = Object.entries(given).filter(
    ([, value]) => value !== null && value !== undefined,
  );
  return Object.fromEntries(
    entries.map(([name, value]) => [name, coerce(properties[name]?.type, value)]),
  );
}

function coerce(type: unknown, value: unknown): unknown {
  if (type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value))
    return Number(value);
  if (type === 'boolean' && value === 'true') return true;
  if (type === 'boolean' && value === 'false') return false;
  return value;
}

function defaults(properties: ResourceSchema['properties']): Json {
  const entries = Object.entries(properties).filter(
    ([, { default: value }]) => value !== undefined,
  );
  return Object.fromEntries(entries.map(([name, { default: value }]) => [name, value]));
}

/** The names of the generated models: their first letter is small. */
function camelCased(properties: Json): Json {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [
      name.charAt(0).toLowerCase() + name.slice(1),
      Array.isArray(value) ? value.map(camelCasedItem) : value,
    ]),
  );
}

function camelCasedItem(item: unknown): unknown {
  const json = asJson(item);
  return json ? camelCased(json) : item;
}

function without(given: Json, names: readonly string[]): Json {
  return filtered(given, (name) => !names.includes(name));
}

function onlyKnown({ properties }: ResourceSchema, given: Json): Json {
  return filtered(given, (name) => Object.hasOwn(properties, name));
}

function onlyValid({ properties }: ResourceSchema, given: Json): Json {
  return filtered(given, (name, value) => !findFault(properties, name, value));
}

function filtered(given: Json, keep: (name: string, value: unknown) => boolean): Json {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => keep(name, value)));
}

function toName(pointer: string): string {
  return pointer.replace('/properties/', '');
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

/** What a request's headers can carry. */
function isSignable(value: unknown): value is string {
  return typeof value === 'string' && /^[\x21-\x7e]+$/.test(value);
}

export function isRegion(value: unknown): value is string {
  return typeof value === 'string' && /^(?=.{1,63}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}
