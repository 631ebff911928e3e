import type { BaseModel } from '@amazon-web-services-cloudformation/cloudformation-cli-typescript-lib';
import { Validator } from '@cfworker/json-schema';
import { asJson, type Json } from './json.ts';
import { HandlerError } from './progress-event.ts';

/** The properties of a generated model, as plain values: absent is undefined, an integer a number. */
export type Properties<M extends BaseModel> = {
  readonly [
    Name in Exclude<
      keyof M,
      keyof BaseModel | 'constructor' | 'getPrimaryIdentifier' | 'getAdditionalIdentifiers'
    >
  ]?: (NonNullable<M[Name]> extends bigint ? number : NonNullable<M[Name]>) | undefined;
};

export interface ResourceSchema {
  readonly typeName: string;
  readonly properties: Readonly<Record<string, PropertySchema>>;
  readonly required: readonly string[];
  readonly readOnlyProperties: readonly string[];
  readonly primaryIdentifier: readonly string[];
  readonly typeConfiguration: { readonly properties: Readonly<Record<string, PropertySchema>> };
}

type PropertySchema = Json;

/** A model as CloudFormation knows it: under the schema's property names, without what is absent. */
export function toProperties(model: object): Json {
  const defined = Object.entries(model).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined.map(([name, value]) => [toPropertyName(name), value]));
}

/** `userName` is the generated models' name for the schema's `UserName`. */
export function toPropertyName(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** @throws HandlerError that names the property that is missing or wrong. */
export function validate(
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
export function validateIdentifier(
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
export function coerced(properties: ResourceSchema['properties'], given: Json): Json {
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
  const isBoolean = [type].flat().includes('boolean');
  if (isBoolean && value === 'true') return true;
  if (isBoolean && value === 'false') return false;
  return value;
}

export function defaults(properties: ResourceSchema['properties']): Json {
  const entries = Object.entries(properties).filter(
    ([, { default: value }]) => value !== undefined,
  );
  return Object.fromEntries(entries.map(([name, { default: value }]) => [name, value]));
}

/** The names of the generated models: their first letter is small. */
export function camelCased(properties: Json): Json {
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

export function without(given: Json, names: readonly string[]): Json {
  return filtered(given, (name) => !names.includes(name));
}

export function onlyKnown({ properties }: ResourceSchema, given: Json): Json {
  return filtered(given, (name) => Object.hasOwn(properties, name));
}

export function onlyValid({ properties }: ResourceSchema, given: Json): Json {
  return filtered(given, (name, value) => !findFault(properties, name, value));
}

function filtered(given: Json, keep: (name: string, value: unknown) => boolean): Json {
  return Object.fromEntries(Object.entries(given).filter(([name, value]) => keep(name, value)));
}

export function toName(pointer: string): string {
  return pointer.replace('/properties/', '');
}
