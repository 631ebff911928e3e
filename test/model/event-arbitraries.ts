import fc from 'fast-check';
import schema from '../../schema/org-iam-accesskey.json' with { type: 'json' };

type Json = Readonly<Record<string, unknown>>;

/** Stand for the id of a key that exists, in events that are made before it is. */
export const KEY_ID = '<the key>';
export const USER_NAME = 'ada';

const CALLER = { accessKeyId: 'ASIACALLER', secretAccessKey: 'caller/secret', sessionToken: 'c' };
const PROVIDER = {
  accessKeyId: 'ASIAPROVIDER',
  secretAccessKey: 'provider/secret',
  sessionToken: 'p',
};
const MODEL = { Id: KEY_ID, UserName: USER_NAME, Status: 'Active' };
const PROPERTIES: Json = {
  CREATE: { UserName: USER_NAME, Status: 'Inactive', Serial: '1', SesRegion: 'eu-west-1' },
  READ: MODEL,
  UPDATE: { ...MODEL, Status: 'Inactive' },
  DELETE: MODEL,
  LIST: {},
};

/** An event that CloudFormation could send, with every field that it has. */
function validEvent(action: unknown): Json {
  return {
    awsAccountId: '123456789012',
    bearerToken: '7a2f1c1e-0000-4000-8000-000000000001',
    region: 'us-east-1',
    action,
    responseEndpoint: null,
    resourceType: 'Org::IAM::AccessKey',
    resourceTypeVersion: '00000001',
    requestContext: null,
    callbackContext: null,
    nextToken: null,
    stackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/fuzzed/1',
    requestData: {
      callerCredentials: CALLER,
      providerCredentials: PROVIDER,
      providerLogGroupName: 'handler-logs',
      logicalResourceId: 'Key',
      resourceProperties: typeof action === 'string' ? PROPERTIES[action] : {},
      previousResourceProperties: action === 'UPDATE' ? MODEL : null,
      systemTags: {},
      stackTags: {},
      previousStackTags: {},
      typeConfiguration: { ParameterPrefix: '/fuzzed', ExposeSecretAccessKey: 'true' },
    },
  };
}

const INHERITED = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then'];
// A small first letter is how the handlers call it.
const PROPERTY_NAMES = [...Object.keys(schema.properties), 'id'];
const CONFIGURATION_NAMES = [...Object.keys(schema.typeConfiguration.properties), 'Other'];

const oddString = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', ' ', '0', '-1', '1e400', 'null', 'true', 'a\r\nb: c', '../..', '%00', '<x>'),
  fc.constantFrom(...INHERITED),
  fc.constant('x'.repeat(200_000)),
);
const oddJson = fc.oneof(
  oddString,
  fc.jsonValue(),
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e308, [], {}, [[]], [null]),
  // Has no text: String() throws.
  fc.constant({ toString: 0 }),
  fc.nat({ max: 2_000 }).map(nested),
  fc.dictionary(fc.constantFrom(...INHERITED, ...PROPERTY_NAMES), fc.jsonValue({ maxDepth: 1 })),
);
const callbackContext = fc.record(
  {
    accessKeyId: fc.oneof(fc.constant(KEY_ID), oddString),
    userName: fc.oneof(fc.constant(USER_NAME), oddString),
    startedAt: fc.oneof(fc.double(), fc.constant(0), oddJson),
  },
  { requiredKeys: [] },
);

/** In one of four events: one that is odd in every way says little about each. */
function rarely<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

interface Mutation {
  /** Which of the event's paths, counted round and round. */
  readonly place: number;
  readonly value: unknown;
  readonly key: string | undefined;
}

const mutation = fc.record<Mutation>({
  place: fc.nat({ max: 1_000 }),
  // undefined drops the field.
  value: fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: oddJson },
  ),
  key: rarely(fc.oneof(fc.constantFrom(...INHERITED, ...PROPERTY_NAMES), oddString)),
});

const action = fc.constantFrom('CREATE', 'READ', 'UPDATE', 'DELETE', 'LIST');

const mutated = fc
  .tuple(action, fc.array(mutation, { minLength: 1, maxLength: 3 }))
  .map(([action, mutations]) => mutations.reduce(mutate, validEvent(action)));

const aimed = fc
  .record({
    action: fc.oneof({ weight: 9, arbitrary: action }, { weight: 1, arbitrary: oddJson }),
    context: rarely(fc.oneof(callbackContext, oddJson)),
    nextToken: rarely(fc.oneof(oddString, fc.base64String(), oddJson)),
    region: rarely(oddString),
    properties: rarely(fc.dictionary(fc.constantFrom(...PROPERTY_NAMES), oddJson)),
    typeConfiguration: rarely(
      fc.oneof(oddJson, fc.dictionary(fc.constantFrom(...CONFIGURATION_NAMES), oddJson)),
    ),
  })
  .map(({ action, context, nextToken, region, properties, typeConfiguration }) => {
    const event = validEvent(action);
    const data = event.requestData as Json;
    return {
      ...event,
      ...(context !== undefined && { callbackContext: context }),
      ...(nextToken !== undefined && { nextToken }),
      ...(region !== undefined && { region }),
      requestData: {
        ...data,
        ...(properties && {
          resourceProperties: { ...(data.resourceProperties as Json | undefined), ...properties },
        }),
        ...(typeConfiguration !== undefined && { typeConfiguration }),
      },
    };
  });

/** Any JSON at all, valid events with something wrong, and events that are odd where it matters. */
export const anyEvent: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 1, arbitrary: fc.jsonValue() },
  { weight: 4, arbitrary: mutated },
  { weight: 4, arbitrary: aimed },
);

function mutate(event: Json, { place, value, key }: Mutation): Json {
  const paths = pathsOf(event);
  const path = paths[place % paths.length] ?? [];
  return replace(event, key === undefined ? path : [...path.slice(0, -1), key], value) as Json;
}

function pathsOf(value: unknown): string[][] {
  if (!isJson(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    [name],
    ...pathsOf(inner).map((path) => [name, ...path]),
  ]);
}

/** Object.fromEntries, and no assignment, makes `__proto__` a property like any other. */
function replace(value: unknown, [name, ...rest]: readonly string[], to: unknown): unknown {
  if (name === undefined) return to;
  const properties = isJson(value) ? value : {};
  const inner = Object.hasOwn(properties, name) ? properties[name] : undefined;
  return Object.fromEntries([...Object.entries(properties), [name, replace(inner, rest, to)]]);
}

function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level += 1) value = level % 2 ? [value] : { value };
  return value;
}
