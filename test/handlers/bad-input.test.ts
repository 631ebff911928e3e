import {
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
} from '@aws-sdk/client-iam';
import { randomUUID } from 'node:crypto';
import type { CloudFormation, Properties } from '../../local/cloudformation.ts';
import { refuse } from '../support/aws-proxy.ts';
import { ageKeys, deny, denyInOpenWords, expire } from '../support/behaviours.ts';
import { newCredentials, PREFIX, useLocalType } from '../support/local-type.ts';

const UNKNOWN_ID = 'AKIAUNKNOWNUNKNOWN00';
const STACK_ID = 'arn:aws:cloudformation:us-east-1:123456789012:stack/app/1';

type Operation = (cloudFormation: CloudFormation, model: Properties) => Promise<unknown>;
const create: Operation = (cloudFormation, { UserName }) => cloudFormation.create({ UserName });
const read: Operation = (cloudFormation, model) => cloudFormation.read(model);
const readById: Operation = (cloudFormation, { Id }) => cloudFormation.read(String(Id));
const update: Operation = (cloudFormation, model) =>
  cloudFormation.update(model, { UserName: model.UserName, Status: 'Inactive' });
const updateById: Operation = (cloudFormation, { Id }) =>
  cloudFormation.update({ Id }, { Status: 'Inactive' });
const remove: Operation = (cloudFormation, model) => cloudFormation.delete(model);
const removeById: Operation = (cloudFormation, { Id }) => cloudFormation.delete(String(Id));
const list: Operation = (cloudFormation) => cloudFormation.list();

describe('bad input', () => {
  const type = useLocalType();
  let userName: string;

  const createKey = async (properties: Properties = {}, operation = {}) => {
    const created = await type
      .cloudFormation({ stackId: STACK_ID })
      .create({ UserName: userName, ...properties }, operation);
    expect(created.status).toBe('SUCCESS');
    return { ...created.resourceModel, Id: String(created.resourceModel?.Id) };
  };
  /** The function's calls from here on. */
  const watchCalls = () => {
    const { length } = type.calls;
    return () => type.calls.slice(length);
  };

  beforeEach(async () => {
    userName = await type.createUser();
  });

  describe('in the properties of CREATE', () => {
    it.each<[string, string, Properties]>([
      ['no UserName', 'UserName', { UserName: undefined }],
      ['an empty UserName', 'UserName', { UserName: '' }],
      ['a UserName with a space', 'UserName', { UserName: 'ci bot' }],
      ['a UserName with a slash', 'UserName', { UserName: 'path/ci-bot' }],
      ['a UserName with a line break', 'UserName', { UserName: 'ci-bot\n' }],
      ['a UserName of 65 characters', 'UserName', { UserName: 'x'.repeat(65) }],
      ['a UserName that is a list', 'UserName', { UserName: ['ci-bot'] }],
      ['a Status in small letters', 'Status', { Status: 'active' }],
      ['a Status that IAM has for others', 'Status', { Status: 'Expired' }],
      ['a Status that is a truth value', 'Status', { Status: true }],
      ['a negative Serial', 'Serial', { Serial: -1 }],
      ['a fractional Serial', 'Serial', { Serial: 1.5 }],
      ['a Serial in words', 'Serial', { Serial: 'one' }],
      ['an empty Serial', 'Serial', { Serial: '' }],
      ['a Serial that is a list', 'Serial', { Serial: [1] }],
      ['a SesRegion in capitals', 'SesRegion', { SesRegion: 'EU-WEST-1' }],
      ['a SesRegion that is a place', 'SesRegion', { SesRegion: 'frankfurt' }],
      ['a SesRegion that is a zone', 'SesRegion', { SesRegion: 'eu-west-1a' }],
      ['a SesRegion that is a host', 'SesRegion', { SesRegion: 'eu-west-1.evil.example' }],
      ['a SesRegion with a line break', 'SesRegion', { SesRegion: 'eu-west-1\n' }],
      ['an empty SesRegion', 'SesRegion', { SesRegion: '' }],
      ['a SesRegion that is a list', 'SesRegion', { SesRegion: ['eu-west-1'] }],
      ['an Id that names another parameter', 'Id', { Id: 'pending/0123456789abcdef' }],
      ['an Id that is a list', 'Id', { Id: [UNKNOWN_ID] }],
      ['a SecretAccessKey', 'SecretAccessKey', { SecretAccessKey: 'chosen by the user' }],
      ['a CreateDate', 'CreateDate', { CreateDate: '2026-01-01T00:00:00Z' }],
      ['an unknown property', 'Path', { Path: '/' }],
      ['a property in small letters', 'userName', { userName: 'ci-bot' }],
      ['a property named as what every object has', 'constructor', { constructor: 'x' }],
    ])('refuses %s, naming %s, before it calls anybody', async (_, property, properties) => {
      const created = await type.cloudFormation().create({ UserName: userName, ...properties });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain(property);
      expect(created.message).not.toContain('chosen by the user');
      expect(type.calls).toEqual([]);
    });

    // The Id comes back with the model of an IN_PROGRESS: whose it is, its record tells.
    it.each([
      ['of a key that there is not', () => Promise.resolve(UNKNOWN_ID)],
      ["of somebody's key", () => type.createForeignKey(userName)],
      ['of a key that another token made', async () => (await createKey()).Id],
    ])('refuses an Id %s, naming Id, and changes nothing', async (_, idOf) => {
      const Id = await idOf();
      const before = [await type.keysOf(userName), await type.parameters()];
      const calls = watchCalls();

      const created = await type
        .cloudFormation({ stackId: STACK_ID })
        .create({ UserName: userName, Status: 'Inactive', Id });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain('Id is read-only');
      expect([await type.keysOf(userName), await type.parameters()]).toEqual(before);
      expect(new Set(calls().map(({ action }) => action))).toEqual(new Set(['GetParameters']));
    });

    it('refuses a user who does not exist, by name', async () => {
      const created = await type.cloudFormation().create({ UserName: 'nobody' });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
      expect(created.message).toContain('nobody');
      expect(await type.parameters()).toEqual([]);
    });

    it('refuses a third key, and names the two with status and age', async () => {
      const active = await type.createForeignKey(userName);
      const inactive = await type.createForeignKey(userName);
      await type.setStatus(userName, inactive, 'Inactive');
      type.use(ageKeys);

      const created = await type.cloudFormation().create({ UserName: userName });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
      expect(created.message).toContain(userName);
      expect(created.message).toMatch(new RegExp(`${active} Active, \\d{4} days old`));
      expect(created.message).toMatch(new RegExp(`${inactive} Inactive, \\d{4} days old`));
      expect(await type.keysOf(userName)).toHaveLength(2);
      expect(await type.parameters()).toEqual([]);
    });

    it.each([
      ['the same', 7, '7'],
      ['lower', 6, '6'],
    ])('refuses a Serial that is %s, and names both', async (_, Serial, named) => {
      const { Id } = await createKey({ Serial: 7 });

      const created = await type
        .cloudFormation({ stackId: STACK_ID })
        .create({ UserName: userName, Serial });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain(`Serial ${named} is not higher than Serial 7`);
      expect(created.message).toContain(Id);
      expect(await type.keysOf(userName)).toEqual([{ id: Id, status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${Id}`]);
    });
  });

  describe('in the properties of UPDATE', () => {
    it.each<[string, string, Properties]>([
      ['the UserName', 'UserName', { UserName: 'other-user', Serial: 1 }],
      ['the Serial', 'Serial', { Serial: 2 }],
    ])('refuses to change %s in place', async (_, property, properties) => {
      const created = await createKey({ Serial: 1 });
      const desired = { UserName: userName, Status: 'Inactive', ...properties };

      const updated = await type.cloudFormation().update({ ...created, Serial: 1 }, desired);
      const withoutPrevious = await type.cloudFormation().update({ Id: created.Id }, desired);

      for (const { status, errorCode, message } of [updated, withoutPrevious]) {
        expect({ status, errorCode }).toEqual({ status: 'FAILED', errorCode: 'NotUpdatable' });
        expect(message).toContain(property);
      }
      expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
    });

    it('refuses to move a key that the type never made', async () => {
      const Id = await type.createForeignKey(userName);
      const other = await type.createUser();
      type.use(ageKeys);

      const updated = await type
        .cloudFormation()
        .update({ Id, UserName: userName }, { UserName: other, Status: 'Inactive' });

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'NotUpdatable' });
      expect(await type.keysOf(userName)).toEqual([{ id: Id, status: 'Active' }]);
    });

    it.each<[string, string, Properties]>([
      ['a Status that there is not', 'Status', { Status: 'Disabled' }],
      ['an unknown property', 'Path', { Path: '/' }],
    ])('refuses %s, naming %s', async (_, property, properties) => {
      const created = await createKey();

      const updated = await type
        .cloudFormation()
        .update(created, { UserName: userName, ...properties });

      expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(updated.message).toContain(property);
      expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
    });
  });

  describe('in the identifier', () => {
    const operations: [string, Operation][] = [
      ['READ', read],
      ['READ by id alone', readById],
      ['UPDATE', update],
      ['UPDATE by id alone', updateById],
      ['DELETE', remove],
      ['DELETE by id alone', removeById],
    ];
    const identifiers: [string, unknown][] = [
      ['unknown', UNKNOWN_ID],
      ['too short', 'AKIA'],
      ['no id at all', 'not an id: ../../x'],
      ['missing', undefined],
    ];

    it.each(
      operations.flatMap(([operation, operate]) =>
        identifiers.map(([kind, Id]) => ({ operation, operate, kind, Id })),
      ),
    )('$operation finds nothing where the id is $kind', async ({ operate, Id }) => {
      const outcome = await operate(type.cloudFormation(), { Id, UserName: userName });

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    });

    it.each(operations)('%s finds nothing where the user is gone too', async (_, operate) => {
      const outcome = await operate(type.cloudFormation(), { Id: UNKNOWN_ID, UserName: 'nobody' });

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    });
  });

  describe('in the callback context', () => {
    const operations: [string, Operation][] = [
      ['CREATE', create],
      ['UPDATE', update],
      ['DELETE', remove],
    ];
    const contexts: [string, Properties][] = [
      ['an id of another shape', { accessKeyId: 'pending/0123456789abcdef' }],
      ['an id that is a list', { accessKeyId: [UNKNOWN_ID] }],
      ['no user name', { userName: undefined }],
      ['a time in words', { startedAt: 'now' }],
    ];

    describe.each(operations)('%s', (_, operate) => {
      it.each(contexts)('refuses %s, and changes nothing', async (_name, context) => {
        const model = { Id: await type.createForeignKey(userName), UserName: userName };
        const whole = { accessKeyId: model.Id, userName, startedAt: Date.now() };
        const callbackContext = { ...whole, ...context };
        const invoke = async <Answer>(event: unknown) =>
          type.container.invoke<Answer>({ ...(event as object), callbackContext });

        const outcome = await operate(type.cloudFormation({ function: { invoke } }), model);

        expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
        expect(outcome).toMatchObject({ message: expect.stringContaining('callback context') });
        expect(await type.keysOf(userName)).toEqual([{ id: model.Id, status: 'Active' }]);
        expect(await type.parameters()).toEqual([]);
      });
    });
  });

  describe('in the credentials', () => {
    const operations: [string, Operation][] = [
      ['CREATE', create],
      ['READ', read],
      ['UPDATE', update],
      ['DELETE', remove],
      ['LIST', list],
    ];

    it.each(operations)('%s without any calls nobody', async (_, operate) => {
      const created = await createKey();
      const callsSince = watchCalls();

      const outcome = await operate(type.cloudFormation({ credentials: null }), created);

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
      expect(callsSince()).toEqual([]);
      expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
    });

    it.each(operations)('%s with expired ones changes nothing', async (_, operate) => {
      const created = await createKey();
      const expired = newCredentials('expired');
      const callsSince = watchCalls();
      type.use(expire);

      const outcome = await operate(type.cloudFormation({ credentials: expired }), created);

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
      expect(new Set(callsSince().map(({ accessKeyId }) => accessKeyId))).toEqual(
        new Set([expired.accessKeyId]),
      );
      expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
    });

    it.each([
      ['half of them', { accessKeyId: 'ASIAHALFHALFHALF' }],
      ['empty ones', { accessKeyId: '', secretAccessKey: '' }],
      ['ones of the wrong kind', { accessKeyId: 1, secretAccessKey: ['s'] }],
    ])('takes %s as none', async (_, credentials) => {
      const outcome = await type
        .cloudFormation({ credentials: credentials as never })
        .read(UNKNOWN_ID);

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'InvalidCredentials' });
      expect(type.calls).toEqual([]);
    });
  });

  describe('in the permissions', () => {
    it.each<[string, string, Operation]>([
      ['CREATE', 'iam:ListAccessKeys', create],
      ['CREATE', 'iam:CreateAccessKey', create],
      ['CREATE', 'ssm:GetParameters', create],
      ['CREATE', 'ssm:PutParameter', create],
      ['READ', 'ssm:GetParameters', read],
      ['READ', 'iam:ListAccessKeys', read],
      ['UPDATE', 'ssm:GetParameters', update],
      ['UPDATE', 'iam:ListAccessKeys', update],
      ['UPDATE', 'iam:UpdateAccessKey', update],
      ['DELETE', 'ssm:GetParameters', remove],
      ['DELETE', 'iam:DeleteAccessKey', remove],
      ['DELETE', 'iam:ListAccessKeys', remove],
      ['DELETE', 'ssm:DeleteParameter', remove],
      ['LIST', 'iam:ListUsers', list],
      ['LIST', 'iam:ListAccessKeys', list],
    ])('%s without %s is denied, naming it', async (_, action, operate) => {
      const created = await createKey();
      type.use(deny(action));

      const outcome = await operate(type.cloudFormation(), created);

      expect(outcome).toMatchObject({
        status: 'FAILED',
        errorCode: 'AccessDenied',
        message: expect.stringContaining(action),
      });
    });

    it.each<[string, Operation]>([
      ['READ', readById],
      ['UPDATE', updateById],
      ['DELETE', removeById],
    ])('%s never takes a key for deleted that it may not look for', async (_, operate) => {
      const Id = await type.createForeignKey(userName);
      type.use(ageKeys);
      type.use(deny('iam:GetAccessKeyLastUsed'));

      const outcome = await operate(type.cloudFormation(), { Id });

      expect(outcome).toMatchObject({
        status: 'FAILED',
        errorCode: 'AccessDenied',
        message: expect.stringContaining('iam:GetAccessKeyLastUsed'),
      });
      expect(await type.keysOf(userName)).toEqual([{ id: Id, status: 'Active' }]);
    });

    it.each<[string, Operation]>([
      ['READ', read],
      ['UPDATE', update],
      ['DELETE', remove],
    ])('%s does not either where the request names another user', async (_, operate) => {
      const Id = await type.createForeignKey(userName);
      const other = await type.createUser();
      type.use(ageKeys);
      type.use(deny('iam:GetAccessKeyLastUsed'));

      const outcome = await operate(type.cloudFormation(), { Id, UserName: other });

      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([{ id: Id, status: 'Active' }]);
    });

    it.each<[string, string, Operation]>([
      ['READ', 'iam:ListUsers', readById],
      ['READ', 'iam:ListAccessKeys', readById],
      ['DELETE', 'iam:ListUsers', removeById],
    ])(
      '%s says so where it may not look at all users, for want of %s',
      async (_, action, operate) => {
        type.use(denyInOpenWords);
        type.use(deny(action));

        const outcome = await operate(type.cloudFormation(), { Id: UNKNOWN_ID });

        expect(outcome).toMatchObject({
          status: 'FAILED',
          errorCode: 'AccessDenied',
          message: expect.stringContaining(action),
        });
      },
    );
  });

  describe('in the permissions that IAM itself evaluates', () => {
    const policyWithout = (action: string) =>
      JSON.stringify({
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Action: '*', Resource: '*' },
          { Effect: 'Deny', Action: action, Resource: '*' },
        ],
      });

    /** The credentials of a user who may do everything but `action`. */
    const credentialsWithout = async (action: string) => {
      const UserName = await type.createUser();
      const { Policy } = await type.iam.send(
        new CreatePolicyCommand({
          PolicyName: `without-${randomUUID()}`,
          PolicyDocument: policyWithout(action),
        }),
      );
      await type.iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: Policy?.Arn }));
      const { AccessKey } = await type.iam.send(new CreateAccessKeyCommand({ UserName }));
      const { AccessKeyId: accessKeyId = '', SecretAccessKey: secretAccessKey = '' } =
        AccessKey ?? {};
      type.willDelete(UserName, accessKeyId);
      return { accessKeyId, secretAccessKey } as never;
    };

    it.each<[string, string, Operation]>([
      ['CREATE', 'iam:CreateAccessKey', create],
      ['CREATE', 'ssm:PutParameter', create],
      ['READ', 'ssm:GetParameters', read],
      ['UPDATE', 'iam:UpdateAccessKey', update],
      ['DELETE', 'iam:DeleteAccessKey', remove],
      ['LIST', 'iam:ListUsers', list],
    ])('%s without %s is denied, and changes nothing', async (_, action, operate) => {
      const created = await createKey();
      const credentials = await credentialsWithout(action);

      const outcome = await type.enforcingIam(() =>
        operate(type.cloudFormation({ credentials }), created),
      );

      expect(outcome).toMatchObject({
        status: 'FAILED',
        errorCode: 'AccessDenied',
        message: expect.stringContaining(action),
      });
      expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${created.Id}`]);
    });

    it('is allowed with all of them', async () => {
      const created = await createKey();
      const credentials = await credentialsWithout('ec2:RunInstances');

      const outcome = await type.enforcingIam(() =>
        update(type.cloudFormation({ credentials }), created),
      );

      expect(outcome).toMatchObject({ status: 'SUCCESS' });
    });
  });

  describe('in the token of LIST', () => {
    const encode = (text: string) => Buffer.from(text).toString('base64url');

    it.each([
      ['no token of ours', 'garbage'],
      ["IAM's own marker", Buffer.from('after user-1').toString('base64')],
      ['JSON of another kind', encode('{"page":2}')],
      ['a marker that is no text', encode('{"marker":2}')],
      ['ours with more in it', encode('{"marker":"x","more":1}')],
    ])('refuses %s, and does not show it to IAM', async (_, token) => {
      const listed = await type.cloudFormation().listPage({}, token);

      expect(listed).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(listed).not.toHaveProperty('resourceModels');
      expect(type.calls).toEqual([]);
    });

    it('refuses a marker that IAM never gave', async () => {
      const listed = await type.cloudFormation().listPage({}, encode('{"marker":"never given"}'));

      expect(listed).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    });

    it.each([[5], [true], [{ marker: 'x' }]])('refuses %j', async (token) => {
      const listed = await type.cloudFormation().listPage({}, token as never);

      expect(listed).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    });

    it('refuses one that continues the list of all users for a list of one', async () => {
      for (let count = 0; count < 3; count += 1) await type.createUser();
      type.pageSizes.users = 1;
      const { nextToken } = await type.cloudFormation().listPage();

      const listed = await type.cloudFormation().listPage({ UserName: userName }, nextToken);

      expect(nextToken).toBeTruthy();
      expect(listed).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    });

    it('refuses a filter that no user name can match', async () => {
      const listed = await type.cloudFormation().list({ UserName: 'ci bot' });

      expect(listed).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(listed.message).toContain('UserName');
    });
  });

  describe('in the type configuration', () => {
    it.each<[string, string, Properties]>([
      ['a prefix without a slash', 'ParameterPrefix', { ParameterPrefix: 'team' }],
      ['a prefix that ends with one', 'ParameterPrefix', { ParameterPrefix: '/team/' }],
      ["a prefix that is AWS's own", 'ParameterPrefix', { ParameterPrefix: '/aws/team' }],
      ['an empty KMS key', 'KmsKeyId', { KmsKeyId: '' }],
      ['neither true nor false', 'ExposeSecretAccessKey', { ExposeSecretAccessKey: 'maybe' }],
      ['an unknown setting', 'Prefix', { Prefix: '/team' }],
    ])('refuses %s, naming %s', async (_, setting, typeConfiguration) => {
      const created = await type
        .cloudFormation({ typeConfiguration })
        .create({ UserName: userName });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
      expect(created.message).toContain(setting);
      expect(type.calls).toEqual([]);
    });

    it('blames a KMS key that Parameter Store cannot use, and makes no key', async () => {
      type.use((call, next) =>
        call.action === 'PutParameter'
          ? refuse(call, 400, 'InvalidKeyId', 'Invalid keyId alias/gone')
          : next(call),
      );

      const created = await type
        .cloudFormation({ typeConfiguration: { KmsKeyId: 'alias/gone' } })
        .create({ UserName: userName });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
      expect(created.message).toContain('alias/gone');
      expect(await type.keysOf(userName)).toEqual([]);
    });
  });
});
