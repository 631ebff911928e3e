import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createEntrypoints, type Handler } from '../../src/runtime/entrypoint.ts';
import { HandlerError, type ProgressEvent } from '../../src/runtime/progress-event.ts';
import type { HandlerRequest } from '../../src/runtime/request.ts';

/** A type that has nothing to do with access keys. */
const SCHEMA = {
  typeName: 'Org::Test::Thing',
  properties: {
    Name: { type: 'string', minLength: 1 },
    Count: { type: 'integer', minimum: 0 },
    Colour: { type: 'string', default: 'red' },
    Id: { type: 'string', pattern: '^thing-\\d+$' },
    Made: { type: 'string' },
  },
  required: ['Name'],
  readOnlyProperties: ['/properties/Id', '/properties/Made'],
  primaryIdentifier: ['/properties/Id'],
  typeConfiguration: {
    properties: { Loud: { type: 'boolean', default: true }, Room: { type: 'string' } },
  },
};
const CREDENTIALS = {
  accessKeyId: 'ASIACALLERCALLERCALL',
  secretAccessKey: 'caller/secret+secret',
  sessionToken: 'caller/token+token==',
};

interface Thing {
  readonly name?: string;
  readonly id?: string;
}
interface Settings {
  readonly loud: boolean;
}
type Request = HandlerRequest<Thing, Settings>;

const SUCCESS: ProgressEvent<Thing> = { status: 'SUCCESS' };

describe('entrypoint', () => {
  let requests: Request[];
  let handle: Handler<Thing, Settings>;
  let printed: jest.SpyInstance;

  const handler: Handler<Thing, Settings> = (request, session) => {
    requests.push(request);
    return handle(request, session);
  };
  const { entrypoint, testEntrypoint } = createEntrypoints<Thing, Settings>(SCHEMA, {
    CREATE: handler,
    READ: handler,
    UPDATE: handler,
    DELETE: handler,
    LIST: handler,
  });
  const eventOf = (event: object = {}, requestData: object = {}) => ({
    action: 'READ',
    region: 'eu-west-1',
    bearerToken: 'token',
    requestData: {
      callerCredentials: CREDENTIALS,
      resourceProperties: { Id: 'thing-1' },
      ...requestData,
    },
    ...event,
  });
  const printedLines = () => printed.mock.calls.flat().map(String);

  beforeEach(() => {
    requests = [];
    handle = () => Promise.resolve(SUCCESS);
    printed = jest.spyOn(console, 'log').mockImplementation();
  });
  afterEach(() => {
    printed.mockRestore();
  });

  it('passes everything that the event holds to the handler', async () => {
    await entrypoint(
      eventOf(
        {
          action: 'CREATE',
          awsAccountId: '123456789012',
          stackId: 'arn:stack',
          nextToken: 'next',
          callbackContext: { step: 1 },
          rollback: true,
        },
        {
          logicalResourceId: 'Thing',
          resourceProperties: { Name: 'a', Count: '3' },
          previousResourceProperties: { Name: 'b', Count: 2, Colour: null },
          typeConfiguration: { Loud: 'false', Room: '1' },
        },
      ),
    );

    expect(requests).toEqual([
      {
        action: 'CREATE',
        clientRequestToken: 'token',
        region: 'eu-west-1',
        accountId: '123456789012',
        stackId: 'arn:stack',
        logicalResourceId: 'Thing',
        model: { name: 'a', count: 3, colour: 'red' },
        previousModel: { name: 'b', count: 2 },
        callbackContext: { step: 1 },
        nextToken: 'next',
        typeConfiguration: { loud: false, room: '1' },
        isRollback: true,
      },
    ]);
  });

  it('takes what is null, empty or absent as undefined, and the defaults of the schema', async () => {
    await entrypoint(
      eventOf(
        { action: 'CREATE', stackId: null, nextToken: null, callbackContext: {} },
        {
          logicalResourceId: null,
          resourceProperties: { Name: 'a', Colour: null },
          previousResourceProperties: null,
          typeConfiguration: null,
        },
      ),
    );

    expect(requests[0]).toEqual({
      action: 'CREATE',
      clientRequestToken: 'token',
      region: 'eu-west-1',
      model: { name: 'a', colour: 'red' },
      typeConfiguration: { loud: true },
      isRollback: false,
    });
  });

  it("answers under the schema's names, without what is undefined", async () => {
    handle = () =>
      Promise.resolve({ status: 'SUCCESS', resourceModel: { name: 'a', id: undefined } });

    const answer = await entrypoint(eventOf());

    expect(answer).toEqual({
      status: 'SUCCESS',
      message: '',
      callbackDelaySeconds: 0,
      resourceModel: { Name: 'a' },
    });
    expect(Object.keys((answer as { resourceModel: object }).resourceModel)).toEqual(['Name']);
  });

  it('answers a list with an array and its token, and with an empty array too', async () => {
    handle = ({ nextToken }) =>
      Promise.resolve(
        nextToken === undefined
          ? { status: 'SUCCESS', resourceModels: [{ id: 'thing-1' }], nextToken: 'two' }
          : { status: 'SUCCESS', resourceModels: [] },
      );

    const first = await entrypoint(eventOf({ action: 'LIST' }));
    const second = await entrypoint(eventOf({ action: 'LIST', nextToken: 'two' }));

    expect(first).toMatchObject({ resourceModels: [{ Id: 'thing-1' }], nextToken: 'two' });
    expect(second).toMatchObject({ resourceModels: [] });
    expect(second).not.toHaveProperty('nextToken');
  });

  it('answers what a handler throws, with code and message', async () => {
    handle = () => Promise.reject(new HandlerError('ResourceConflict', 'reading thing: busy'));

    const answer = await entrypoint(eventOf());

    expect(answer).toMatchObject({
      status: 'FAILED',
      errorCode: 'ResourceConflict',
      message: 'reading thing: busy',
    });
  });

  it('conceals the credentials in messages and log lines', async () => {
    const text = Object.values(CREDENTIALS).slice(1).join(' ');
    handle = (_, session) => {
      session.log.write(`wrote ${text}`);
      return Promise.reject(new HandlerError('GeneralServiceException', `said ${text}`));
    };

    const answer = await entrypoint(eventOf());

    expect(answer).toMatchObject({ message: 'said <REDACTED> <REDACTED>' });
    expect(printedLines()).toContain('wrote <REDACTED> <REDACTED>');
    expect(printedLines().join('\n')).not.toMatch(/secret\+secret|token\+token/);
  });

  it('keeps what it did not expect out of the answer, and the secret out of its stack trace', async () => {
    handle = () => Promise.reject(new TypeError(`cannot use ${CREDENTIALS.secretAccessKey}`));

    const answer = await entrypoint(eventOf());

    expect(answer).toMatchObject({ status: 'FAILED', errorCode: 'InternalFailure' });
    expect(JSON.stringify(answer)).not.toContain('cannot use');
    expect(printedLines()).toContainEqual(
      expect.stringMatching(/TypeError: cannot use <REDACTED> +at /),
    );
  });

  it('answers as soon as the handler has: no timer is pending', async () => {
    jest.useFakeTimers();

    const answer = await entrypoint(eventOf());

    expect(answer).toMatchObject({ status: 'SUCCESS' });
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('waits two seconds, and no longer, for a CloudWatch that never answers', async () => {
    const calls: unknown[] = [];
    const silent = createServer((request) => calls.push(request));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    process.env.AWS_ENDPOINT_URL = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const providerCredentials = { accessKeyId: 'ASIA', secretAccessKey: 'provider/secret' };
    let answer: object | undefined;
    const untilAnswered = async () => {
      for (let turns = 0; turns < 1000 && !answer; turns += 1) {
        await new Promise((resolve) => setImmediate(resolve));
      }
    };

    void entrypoint(eventOf({}, { providerCredentials, providerLogGroupName: 'group' })).then(
      (answered) => {
        answer = answered;
      },
    );
    while (calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    await jest.advanceTimersByTimeAsync(1_900);
    await untilAnswered();
    const early = answer;
    await jest.advanceTimersByTimeAsync(200);
    await untilAnswered();

    jest.useRealTimers();
    delete process.env.AWS_ENDPOINT_URL;
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    expect(early).toBeUndefined();
    expect(answer).toMatchObject({ status: 'SUCCESS' });
  });

  it('logs the beginning and the end, with the id of the request', async () => {
    handle = () => Promise.reject(new HandlerError('NotFound', 'gone'));

    await entrypoint(eventOf(), { awsRequestId: 'request-1' });

    expect(printedLines()).toEqual(['START READ RequestId: request-1', 'END FAILED NotFound gone']);
  });

  it('shows none of the event in its log', async () => {
    await entrypoint(eventOf({ action: 'CREATE' }, { resourceProperties: { Name: 'private' } }));

    expect(printedLines().join('\n')).not.toContain('private');
  });

  it.each([
    ['null', null],
    ['a list', []],
    ['a text', 'READ'],
    ['a number', 7],
    ['nothing', {}],
    ['no request data', { action: 'READ', region: 'eu-west-1' }],
    ['an unknown action', eventOf({ action: 'EXPLODE' })],
    ['an action that is no text', eventOf({ action: { toString: 1 } })],
    ['an action that every object has', eventOf({ action: 'constructor' })],
    ['no region', eventOf({ region: null })],
    ['an empty region', eventOf({ region: '' })],
    ['a region that is no text', eventOf({ region: { toString: 1 } })],
    ['no token in CREATE', eventOf({ action: 'CREATE', bearerToken: null })],
    ['a stack id that is no text', eventOf({ stackId: { toString: 1 } })],
    ['properties that are a list', eventOf({}, { resourceProperties: [1] })],
    ['properties that are a text', eventOf({}, { resourceProperties: 'thing-1' })],
    ['previous properties that are a list', eventOf({}, { previousResourceProperties: [1] })],
    ['a callback context that is a text', eventOf({ callbackContext: 'step 1' })],
    ['a callback context that is a number', eventOf({ callbackContext: 7 })],
    ['a type configuration that is a text', eventOf({}, { typeConfiguration: 'loud' })],
    ['a next token that is an object', eventOf({ nextToken: {} })],
    ['a property named __proto__', JSON.parse('{"__proto__":{"action":"READ"}}')],
    ['credentials of the wrong kind', eventOf({}, { callerCredentials: [CREDENTIALS] })],
    [
      'a secret that no URL can hold',
      eventOf({}, { callerCredentials: { ...CREDENTIALS, secretAccessKey: 'secret \ud800' } }),
    ],
    [
      'provider credentials that no URL can hold',
      eventOf(
        {},
        {
          providerCredentials: { ...CREDENTIALS, secretAccessKey: 'secret \ud800' },
          providerLogGroupName: '',
        },
      ),
    ],
    [
      'an empty region, and a log group',
      eventOf({ region: '' }, { providerCredentials: CREDENTIALS, providerLogGroupName: '' }),
    ],
    [
      'objects for everything that names the log stream',
      eventOf(
        { action: { toString: 1 }, awsAccountId: { toString: 1 } },
        { providerCredentials: CREDENTIALS, providerLogGroupName: '' },
      ),
    ],
  ])('answers an event with %s', async (_, event: unknown) => {
    process.env.AWS_ENDPOINT_URL = 'http://127.0.0.1:1';

    const answer = await entrypoint(event);
    delete process.env.AWS_ENDPOINT_URL;

    expect(['SUCCESS', 'FAILED']).toContain((answer as ProgressEvent<Thing>).status);
    expect(JSON.parse(JSON.stringify(answer))).toEqual(answer);
  });

  it.each([
    ['READ', { resourceProperties: {} }, 'NotFound', 'Id is missing'],
    ['DELETE', { resourceProperties: { Id: 'x' } }, 'NotFound', 'Id is not valid'],
    ['CREATE', { resourceProperties: {} }, 'InvalidRequest', 'Name is required'],
    [
      'CREATE',
      { resourceProperties: { Name: 'a', Made: 'today' } },
      'InvalidRequest',
      'Made is read-only',
    ],
    [
      'CREATE',
      { resourceProperties: { Name: 'a', Id: '../thing-1' } },
      'InvalidRequest',
      'Id is not valid',
    ],
    [
      'CREATE',
      { resourceProperties: { Name: 'a', Size: 1 } },
      'InvalidRequest',
      'Size is not a property',
    ],
    [
      'CREATE',
      { resourceProperties: { Name: 'a', Count: '-1' } },
      'InvalidRequest',
      'Count is not valid',
    ],
    [
      'CREATE',
      { resourceProperties: { Name: 'a', Count: '1.5' } },
      'InvalidRequest',
      'Count is not valid',
    ],
    [
      'UPDATE',
      { resourceProperties: { Id: 'thing-1', Name: '' } },
      'InvalidRequest',
      'Name is not valid',
    ],
    ['LIST', { resourceProperties: { Count: 'many' } }, 'InvalidRequest', 'Count is not valid'],
    ['READ', { typeConfiguration: { Loud: 'x' } }, 'InvalidTypeConfiguration', 'Loud is not valid'],
    [
      'READ',
      { typeConfiguration: { Soft: true } },
      'InvalidTypeConfiguration',
      'Soft is not a property',
    ],
  ])('refuses in %s %j with %s', async (action, requestData, errorCode, message) => {
    const answer = await entrypoint(eventOf({ action }, requestData));

    expect(answer).toMatchObject({
      status: 'FAILED',
      errorCode,
      message: expect.stringContaining(message),
    });
    expect(requests).toEqual([]);
  });

  // It comes back with the model of an IN_PROGRESS, perhaps without the callback context.
  it.each([
    ['begins', null, { Id: 'thing-1' }, { id: 'thing-1' }],
    ['goes on', { step: 1 }, { Id: 'thing-1', Made: 'today' }, { id: 'thing-1', made: 'today' }],
  ])(
    'leaves it to CREATE what an identifier says where it %s',
    async (_, context, given, model) => {
      const answer = await entrypoint(
        eventOf(
          { action: 'CREATE', callbackContext: context },
          { resourceProperties: { Name: 'a', ...given } },
        ),
      );

      expect(answer).toMatchObject({ status: 'SUCCESS' });
      expect(requests[0]?.model).toEqual({ name: 'a', colour: 'red', ...model });
    },
  );

  it('refuses an event without credentials, whoever was there before', async () => {
    await entrypoint(eventOf());

    const answer = await entrypoint(eventOf({}, { callerCredentials: null }));

    expect(answer).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
    expect(requests).toHaveLength(1);
  });

  it('takes the event that a developer writes by hand, and logs none of it', async () => {
    await testEntrypoint({
      credentials: CREDENTIALS,
      action: 'UPDATE',
      callbackContext: { step: 1 },
      typeConfiguration: { Loud: false },
      request: {
        region: 'eu-west-1',
        clientRequestToken: 'token',
        logicalResourceIdentifier: 'Thing',
        stackId: 'arn:stack',
        nextToken: 'next',
        desiredResourceState: { Id: 'thing-1', Name: 'private' },
        previousResourceState: { Name: 'before' },
      },
    });

    expect(requests).toEqual([
      {
        action: 'UPDATE',
        clientRequestToken: '',
        region: 'eu-west-1',
        stackId: 'arn:stack',
        logicalResourceId: 'Thing',
        model: { id: 'thing-1', name: 'private', colour: 'red' },
        previousModel: { name: 'before' },
        callbackContext: { step: 1 },
        nextToken: 'next',
        typeConfiguration: { loud: false },
        isRollback: false,
      },
    ]);
    expect(printedLines().join('\n')).not.toMatch(/private|secret\+secret|token\+token/);
  });

  it('makes up a token where the developer gave none', async () => {
    await testEntrypoint({
      credentials: CREDENTIALS,
      action: 'CREATE',
      region: 'eu-west-1',
      request: { desiredResourceState: { Name: 'a' } },
    });

    expect(requests[0]?.clientRequestToken).toMatch(/^[0-9a-f-]{36}$/);
  });
});
