import type { Properties, ProgressEvent } from '../../../local/cloudformation.ts';
import { refuse } from '../../support/aws-proxy.ts';
import { actionOf } from '../../support/behaviours.ts';
import { newCredentials, useLocalType } from '../../support/local-type.ts';

const FORGED = 'END SUCCESS forged';
const NO_PART_OF_A_LINE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const BREAKS = [
  '\n',
  '\r\n',
  '\r',
  '\u2028',
  '\u2029',
  '\u0085',
  '\u000b',
  '\u000c',
  '\u001b[1A\u001b[2K',
];
const evil = BREAKS.map((lineBreak) => `x${lineBreak}${FORGED}`).join('');
const ID = 'AKIAIOSFODNN7EXAMPLE';
const LOG_GROUP = 'org-iam-accesskey-logs';

/** The attacker writes a template, an event's other parts, or what AWS quotes, and reads no log. */
describe('a line of the log', () => {
  const type = useLocalType();

  /** An event as CloudFormation sends it, with some of its parts replaced. */
  const send = async (parts: Properties, data: Properties = {}) =>
    type.invoke({
      awsAccountId: '123456789012',
      bearerToken: 'token',
      region: 'us-east-1',
      action: 'CREATE',
      resourceType: 'Org::IAM::AccessKey',
      resourceTypeVersion: '00000001',
      stackId: 'stack',
      callbackContext: null,
      nextToken: null,
      ...parts,
      requestData: {
        callerCredentials: newCredentials('caller'),
        providerCredentials: newCredentials('provider'),
        providerLogGroupName: LOG_GROUP,
        logicalResourceId: 'AccessKey',
        resourceProperties: { UserName: 'nobody' },
        previousResourceProperties: null,
        typeConfiguration: null,
        ...data,
      },
    });

  const denyIam = () => {
    type.use((call, next) =>
      call.service === 'iam' ? refuse(call, 403, 'AccessDenied', evil) : next(call),
    );
  };

  const expectHonest = ({ answer, logs }: { answer: ProgressEvent; logs: readonly string[] }) => {
    const delivered = type.calls
      .filter((call) => actionOf(call) === 'logs:PutLogEvents')
      .flatMap(({ parameters }) => parameters.logEvents as { message: string }[])
      .map(({ message }) => message);
    const lines = [...logs, ...delivered];
    expect(lines.filter((line) => line.startsWith(FORGED))).toEqual([]);
    expect(lines.filter((line) => NO_PART_OF_A_LINE.test(line))).toEqual([]);
    expect(answer.message).not.toMatch(NO_PART_OF_A_LINE);
    expect(logs.filter((line) => /^START /.test(line))).toHaveLength(1);
    expect(logs.filter((line) => /^END /.test(line))).toHaveLength(1);
  };

  it.each([
    'UserName',
    'Serial',
    'Status',
    'Description',
    'SecretId',
    'Id',
    'SecretAccessKey',
    evil,
  ])('cannot be forged by the property %j of any action', async (name) => {
    denyIam();
    for (const action of ['CREATE', 'READ', 'UPDATE', 'DELETE', 'LIST']) {
      for (const value of [evil, { [evil]: evil }]) {
        const id = action === 'CREATE' ? {} : { Id: ID };
        const resourceProperties = { UserName: 'nobody', ...id, [name]: value };
        const previousResourceProperties = resourceProperties;
        expectHonest(await send({ action }, { resourceProperties, previousResourceProperties }));
      }
    }
  });

  it.each([
    'ParameterPrefix',
    'KmsKeyId',
    'AllowedUserPaths',
    'AllowedUserNames',
    'RequirePermissionsBoundary',
    'RequiredUserTags',
    'RequiredSecretTags',
    'MaxKeysPerUser',
    'RestrictSecretAccessKeyToStack',
    evil,
  ])('cannot be forged by the type configuration %j', async (name) => {
    denyIam();
    for (const value of [
      evil,
      [evil],
      [`*${evil}`],
      [{ Key: evil, Value: evil }],
      { [evil]: evil },
    ]) {
      expectHonest(
        await send(
          {},
          {
            resourceProperties: { UserName: 'nobody' },
            typeConfiguration: { [name]: value },
          },
        ),
      );
      expectHonest(
        await send(
          { action: 'READ' },
          { resourceProperties: { Id: ID }, typeConfiguration: { [name]: value } },
        ),
      );
    }
  });

  it.each<[string, Properties, Properties]>([
    ['the action', { action: evil }, {}],
    ['the token', { bearerToken: evil }, {}],
    ['the stack id', { stackId: evil }, {}],
    ['the Region', { region: evil }, {}],
    ['the account', { awsAccountId: evil }, {}],
    ['the logical id', {}, { logicalResourceId: evil }],
    ['the log group', {}, { providerLogGroupName: `${LOG_GROUP}${evil}` }],
    ['the next token', { action: 'LIST', nextToken: evil }, {}],
    [
      'the callback context',
      { callbackContext: { accessKeyId: evil, userName: evil, startedAt: 0 } },
      {},
    ],
    ['a callback context of others', { callbackContext: { [evil]: evil } }, {}],
    ['credentials', {}, { callerCredentials: { ...newCredentials('x'), secretAccessKey: evil } }],
  ])('cannot be forged by %s', async (_, parts, data) => {
    denyIam();

    expectHonest(await send(parts, data));
  });

  describe('cannot be forged by what AWS answers', () => {
    it.each([
      'iam:ListAccessKeys',
      'iam:CreateAccessKey',
      'iam:GetUser',
      'iam:UpdateAccessKey',
      'iam:TagUser',
      'iam:ListUserTags',
      'ssm:PutParameter',
      'ssm:GetParameters',
      'secretsmanager:DescribeSecret',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
    ])('to %s, in message and code', async (action) => {
      const userName = await type.createUser();
      const { name: SecretId } = await type.createSecret('before');
      for (const [status, code] of [
        [400, 'ValidationException'],
        [403, 'AccessDenied'],
        [409, evil],
      ] as const) {
        type.use((call, next) =>
          actionOf(call) === action ? refuse(call, status, code, evil) : next(call),
        );
        const invoked = await send(
          { bearerToken: `${action}${code}` },
          {
            resourceProperties: {
              UserName: userName,
              SecretId,
              Description: 'mine',
              Status: 'Inactive',
            },
            typeConfiguration: { AllowedUserNames: ['*'] },
          },
        );
        type.allow();
        expectHonest(invoked);
      }
      expect(type.calls.map(actionOf)).toContain(action);
      for (const { id } of await type.keysOf(userName)) await type.deleteKey(userName, id);
      for (const parameter of await type.parameters()) await type.deleteParameter(parameter);
    });

    it('nor by the name of a user', async () => {
      const userName = await type.createUser();
      const id = await type.createForeignKey(userName);
      type.use(async (call, next) => {
        const answer = await next(call);
        const body = answer.body.replaceAll(`<UserName>${userName}`, `<UserName>${evil}`);
        return call.service === 'iam' ? { ...answer, body } : answer;
      });

      for (const action of ['READ', 'UPDATE', 'DELETE'])
        expectHonest(await send({ action }, { resourceProperties: { Id: id } }));
    });
  });
});

/** Whoever sends what cannot sign learns so before anything is called. */
describe('credentials that cannot sign', () => {
  const type = useLocalType();
  const good = newCredentials('caller');

  const kinds: [string, unknown][] = [
    ['none', null],
    ['an empty object', {}],
    ['a list', [good]],
    ['text', 'ASIA'],
    ...[
      '',
      ' ',
      'AS IA',
      'ASIA\n',
      'ASIA\r\nx-amz: y',
      'AS/IA',
      'ASÏA',
      'AS\u0000IA',
      7,
      true,
      null,
      {},
      ['ASIA'],
    ].map((accessKeyId): [string, unknown] => [
      `an id that is ${JSON.stringify(accessKeyId)}`,
      { ...good, accessKeyId },
    ]),
    ...['', ' ', 'a b', 'a\nb', 'ä', 'a\u2028b', 7, false, null, {}, ['x']].map(
      (secretAccessKey): [string, unknown] => [
        `a secret that is ${JSON.stringify(secretAccessKey)}`,
        { ...good, secretAccessKey },
      ],
    ),
    ...[' ', 'a b', 'a\nb', 'a\r\nX-Amz-Target: y', 'ä', '\u0000', 7, true, { a: 1 }, ['x']].map(
      (sessionToken): [string, unknown] => [
        `a session token that is ${JSON.stringify(sessionToken)}`,
        { ...good, sessionToken },
      ],
    ),
  ];

  const send = (action: string, callerCredentials: unknown, providerCredentials: unknown = null) =>
    type.invoke({
      awsAccountId: '123456789012',
      bearerToken: 'token',
      region: 'us-east-1',
      action,
      requestData: {
        callerCredentials,
        providerCredentials,
        providerLogGroupName: LOG_GROUP,
        resourceProperties: action === 'CREATE' ? { UserName: 'nobody' } : { Id: ID },
      },
    });

  it.each(kinds)('are InvalidCredentials without a call: %s', async (_, credentials) => {
    for (const action of ['CREATE', 'READ', 'UPDATE', 'DELETE', 'LIST']) {
      const { answer } = await send(action, credentials);

      expect(answer).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
    }
    expect(type.calls).toEqual([]);
  });

  it.each(kinds)('deliver no log and change no answer: %s', async (_, credentials) => {
    const { answer } = await send('READ', good, credentials);

    expect(answer).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    const signers = new Set(type.calls.map(({ accessKeyId }) => accessKeyId));
    expect([...signers]).toEqual([good.accessKeyId]);
  });
});
