import { CreateAccessKeyCommand } from '@aws-sdk/client-iam';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { refuse, type Answer } from '../support/aws-proxy.ts';
import {
  actionOf,
  deny,
  firstTimes,
  hangAnswers,
  hideParameters,
  loseAnswers,
} from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('create handler', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  it('makes an active key and keeps its secret under its id', async () => {
    const created = await type.cloudFormation().create({ UserName: userName });

    const id = String(created.resourceModel?.Id);
    expect(created.status).toBe('SUCCESS');
    expect(created.resourceModel).toEqual({
      Id: expect.stringMatching(/^AKIA/),
      UserName: userName,
      Status: 'Active',
      SecretAccessKey: type.mintedSecrets[0],
      SesSmtpPassword: expect.any(String),
      SesSmtpEndpoint: 'email-smtp.us-east-1.amazonaws.com',
      CreateDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
  });

  it('records what the later operations need, encrypted', async () => {
    const stackId = 'arn:aws:cloudformation:us-east-1:123456789012:stack/app/1';
    const cloudFormation = type.cloudFormation({ stackId });

    const { resourceModel } = await cloudFormation.create(
      { UserName: userName, Serial: 3 },
      { token: 'token-1', logicalId: 'Key' },
    );

    const parameter = await type.parameter(`${PREFIX}/${String(resourceModel?.Id)}`);
    expect(parameter.type).toBe('SecureString');
    expect(JSON.parse(parameter.value)).toEqual({
      secretAccessKey: type.mintedSecrets[0],
      userName,
      serial: 3,
      clientRequestToken: 'token-1',
      stackId,
      logicalResourceId: 'Key',
    });
  });

  it('never returns the Serial', async () => {
    const created = await type.cloudFormation().create({ UserName: userName, Serial: 1 });

    expect(created.status).toBe('SUCCESS');
    expect(created.resourceModel).not.toHaveProperty('Serial');
  });

  it('makes an inactive key, which nobody tries to use', async () => {
    const created = await type.cloudFormation().create({ UserName: userName, Status: 'Inactive' });

    const id = String(created.resourceModel?.Id);
    expect(created).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Inactive' }]);
    expect(type.calls.map(actionOf)).not.toContain('sts:GetCallerIdentity');
  });

  it('makes the new key beside the old one when the Serial is raised', async () => {
    const cloudFormation = type.cloudFormation();
    const old = await cloudFormation.create({ UserName: userName, Serial: 1 });

    const created = await cloudFormation.create({ UserName: userName, Serial: 2 });
    const both = await type.keysOf(userName);
    const cleanedUp = await cloudFormation.delete({ ...old.resourceModel });

    const id = String(created.resourceModel?.Id);
    expect([created.status, cleanedUp.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(both).toHaveLength(2);
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
  });

  it('makes a key for the new user when the UserName changes, whatever the Serial', async () => {
    const cloudFormation = type.cloudFormation();
    const other = await type.createUser();
    await cloudFormation.create({ UserName: userName, Serial: 5 });

    const created = await cloudFormation.create({ UserName: other, Serial: 5 });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(1);
    expect(await type.keysOf(other)).toHaveLength(1);
  });

  it('makes a key for another spelling of the user, whatever the Serial', async () => {
    const cloudFormation = type.cloudFormation();
    await cloudFormation.create({ UserName: userName, Serial: 5 });

    const created = await cloudFormation.create({ UserName: userName.toUpperCase(), Serial: 5 });

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  it.each([
    ['another resource of the stack', { logicalId: 'Other' }, undefined],
    ['another stack', {}, 'arn:aws:cloudformation:us-east-1:123456789012:stack/other/2'],
    ['no stack, as Cloud Control calls', {}, null],
  ])('takes any Serial for %s', async (_, operation, stackId) => {
    const stack = { stackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/app/1' };
    await type.cloudFormation(stack).create({ UserName: userName, Serial: 2 });

    const created = await type
      .cloudFormation(stackId === undefined ? stack : { stackId })
      .create({ UserName: userName, Serial: 1 }, operation);

    expect(created.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  it('makes one key for one token, asked one after the other in two containers', async () => {
    const token = randomUUID();
    const stack = { stackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/app/1' };
    const other = await type.startContainer();

    const first = await type
      .cloudFormation(stack)
      .create({ UserName: userName, Serial: 1 }, { token });
    const second = await type
      .cloudFormation({ ...stack, function: other })
      .create({ UserName: userName, Serial: 1 }, { token });

    expect(second.status).toBe('SUCCESS');
    expect(second.resourceModel).toEqual(first.resourceModel);
    expect(await type.keysOf(userName)).toHaveLength(1);
  });

  it('makes one key for one token, asked at once in two containers', async () => {
    const token = randomUUID();
    const stack = type.newStack();
    const containers = await Promise.all([type.startContainer(), type.startContainer()]);

    const created = await Promise.all(
      containers.map((container) =>
        type
          .cloudFormation({ ...stack, function: container })
          .create({ UserName: userName }, { token }),
      ),
    );

    const keys = await type.keysOf(userName);
    expect(created.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS']);
    expect(keys).toHaveLength(1);
    expect(created.map(({ resourceModel }) => resourceModel?.Id)).toEqual([
      keys[0]?.id,
      keys[0]?.id,
    ]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${String(keys[0]?.id)}`]);
  });

  it.each([0, 1_000, 4_000])(
    'makes one key for one token, asked again %i ms after the attempt whose answer is lost',
    async (later) => {
      const token = randomUUID();
      const stack = type.newStack();
      const other = await type.startContainer();
      type.use(loseAnswers(1, 'iam:CreateAccessKey'));
      type.use(async (call, next) => {
        const isRecord = String(call.parameters.Name).startsWith(`${PREFIX}/AKIA`);
        if (actionOf(call) === 'ssm:PutParameter' && isRecord) await sleep(3_000);
        return next(call);
      });

      const outcomes = await Promise.all([
        type.cloudFormation(stack).create({ UserName: userName }, { token }),
        sleep(later).then(() =>
          type
            .cloudFormation({ ...stack, function: other })
            .create({ UserName: userName }, { token }),
        ),
      ]);

      const [key] = await type.keysOf(userName);
      expect(await type.keysOf(userName)).toHaveLength(1);
      expect(await type.parameters()).toEqual([`${PREFIX}/${String(key?.id)}`]);
      const made = outcomes.filter(({ status }) => status === 'SUCCESS');
      expect(made.length).toBeGreaterThan(0);
      for (const { resourceModel } of made) expect(resourceModel?.Id).toBe(key?.id);
    },
  );

  describe('after an attempt that could not find out what it made', () => {
    const stack = { stackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/app/1' };
    let token: string;

    beforeEach(async () => {
      token = randomUUID();
      const isMade = (): boolean => type.calls.some(({ action }) => action === 'CreateAccessKey');
      type.use(loseAnswers(1, 'iam:CreateAccessKey'));
      type.use(deny('iam:ListAccessKeys', isMade));
      await type.cloudFormation(stack).create({ UserName: userName }, { token });
    });

    it.each([
      ['list the keys', 'iam:ListAccessKeys'],
      ['read what it keeps', 'ssm:GetParameters'],
    ])('names its intent as long as it cannot %s', async (_, action) => {
      type.allow();
      type.use(deny(action));

      const denied = await type.cloudFormation(stack).create({ UserName: userName }, { token });

      const [intent] = await type.parameters();
      expect(denied).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(denied.message).toContain(
        `parameter ${String(intent)}, if it is there, says which keys there were`,
      );

      type.allow();
      const created = await type.cloudFormation(stack).create({ UserName: userName }, { token });
      const id = String(created.resourceModel?.Id);
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
    });

    it('leaves nothing once the user is gone', async () => {
      type.allow();
      await type.deleteUser(userName);

      const refused = await type.cloudFormation(stack).create({ UserName: userName }, { token });

      expect(refused).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
      expect(await type.parameters()).toEqual([]);
    });
  });

  it('waits for its own open call where another attempt with the token has a key', async () => {
    const token = randomUUID();
    const stack = type.newStack();
    const makeOther = async (): Promise<string> => {
      const { AccessKey } = await type.iam.send(new CreateAccessKeyCommand({ UserName: userName }));
      const { AccessKeyId = '', SecretAccessKey = '' } = AccessKey ?? {};
      const record = {
        userName,
        secretAccessKey: SecretAccessKey,
        clientRequestToken: token,
        ...stack,
        logicalResourceId: 'AccessKey',
      };
      await type.overwriteParameter(`${PREFIX}/${AccessKeyId}`, JSON.stringify(record));
      return AccessKeyId;
    };
    let other = '';
    let late: Promise<Answer> | undefined;
    type.use(async (call, next) => {
      if (actionOf(call) !== 'iam:CreateAccessKey' || other !== '') return next(call);
      other = await makeOther();
      late = sleep(8_000).then(() => next(call));
      return late;
    });

    const created = await type.cloudFormation(stack).create({ UserName: userName }, { token });
    await late;

    expect(created).toMatchObject({ status: 'SUCCESS', resourceModel: { Id: other } });
    expect(await type.keysOf(userName)).toEqual([{ id: other, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${other}`]);
  });

  it('brings the key of an earlier attempt into the wanted status', async () => {
    const token = randomUUID();
    const cloudFormation = type.cloudFormation();
    const first = await cloudFormation.create({ UserName: userName }, { token });
    const id = String(first.resourceModel?.Id);
    await type.setStatus(userName, id, 'Inactive');

    const second = await cloudFormation.create({ UserName: userName }, { token });

    expect(second).toMatchObject({
      status: 'SUCCESS',
      resourceModel: { Id: id, Status: 'Active' },
    });
    expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
  });

  it("keeps the template's spelling of the user's name", async () => {
    const spelled = userName.toUpperCase();

    const created = await type.cloudFormation().create({ UserName: spelled });

    expect(created).toMatchObject({ status: 'SUCCESS', resourceModel: { UserName: spelled } });
    expect(await type.keysOf(userName)).toHaveLength(1);
  });

  it('withholds the secret when the type configuration says so, and keeps it', async () => {
    const typeConfiguration = { ExposeSecretAccessKey: 'false' };

    const created = await type.cloudFormation({ typeConfiguration }).create({ UserName: userName });

    expect(created.status).toBe('SUCCESS');
    expect(created.resourceModel).not.toHaveProperty('SecretAccessKey');
    const { value } = await type.parameter(`${PREFIX}/${String(created.resourceModel?.Id)}`);
    expect(JSON.parse(value)).toMatchObject({ secretAccessKey: type.mintedSecrets[0] });
  });

  it('keeps secret and intent under the configured prefix and KMS key', async () => {
    const typeConfiguration = { ParameterPrefix: '/team/keys', KmsKeyId: 'alias/team' };

    const created = await type.cloudFormation({ typeConfiguration }).create({ UserName: userName });

    const id = String(created.resourceModel?.Id);
    expect(await type.parameters()).toEqual([`/team/keys/${id}`]);
    expect((await type.parameter(`/team/keys/${id}`)).keyId).toBe('alias/team');
    const written = type.calls.filter(({ action }) => action === 'PutParameter');
    expect(written.map(({ parameters }) => parameters)).toEqual([
      expect.objectContaining({
        Name: expect.stringMatching(/^\/team\/keys\/pending\//),
        KeyId: 'alias/team',
      }),
      expect.objectContaining({ Name: `/team/keys/${id}`, KeyId: 'alias/team' }),
    ]);
  });

  it('tells its own key from one that somebody else makes meanwhile', async () => {
    const foreign = await type.createForeignKey(userName);

    const created = await type.cloudFormation().create({ UserName: userName });

    expect(created.status).toBe('SUCCESS');
    expect(created.resourceModel?.Id).not.toBe(foreign);
    expect(await type.keysOf(userName)).toHaveLength(2);
  });

  it.each([
    [
      'AWS does not accept the key yet',
      firstTimes(1, 'sts:GetCallerIdentity', (call) =>
        refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.'),
      ),
    ],
    ['Parameter Store does not show the secret yet', hideParameters(1)],
  ])('is in progress while %s, and keeps the secret to itself', async (_, behaviour) => {
    type.use(behaviour);

    const { events, resourceModel } = await type.cloudFormation().create({ UserName: userName });

    const [key] = await type.keysOf(userName);
    expect(events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
    expect(events[0]).toMatchObject({ resourceModel: { Id: key?.id, UserName: userName } });
    expect(events[0]?.callbackDelaySeconds).toBeGreaterThan(0);
    expect(resourceModel).toMatchObject({ Id: key?.id, SecretAccessKey: type.mintedSecrets[0] });
    expect(type.calls.filter(({ action }) => action === 'CreateAccessKey')).toHaveLength(1);
  });

  const denyRecord = deny(
    'ssm:PutParameter',
    ({ parameters }) => !String(parameters.Name).includes('/pending/'),
  );

  it.each([
    ['deactivation', deny('iam:UpdateAccessKey')],
    ['keeping its secret', denyRecord],
  ])('deletes the minted key when %s fails', async (_, behaviour) => {
    type.use(behaviour);

    const created = await type.cloudFormation().create({ UserName: userName, Status: 'Inactive' });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(type.mintedSecrets).toHaveLength(1);
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it('names the key, and the first error, when the minted key cannot be deleted either', async () => {
    type.use(denyRecord);
    type.use(deny('iam:DeleteAccessKey'));

    const created = await type.cloudFormation().create({ UserName: userName });

    const [key] = await type.keysOf(userName);
    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(created.message).toContain(`access key ${String(key?.id)} of user ${userName}`);
    expect(created.message).toContain('ssm:PutParameter');
    await type.deleteKey(userName, String(key?.id));
  });

  it('names the key that it cannot delete after it was tried out', async () => {
    type.use(deny('iam:DeleteAccessKey'));
    type.use(
      deny('iam:ListAccessKeys', () =>
        type.calls.some(({ action }) => action === 'CreateAccessKey'),
      ),
    );

    const created = await type.cloudFormation().create({ UserName: userName });

    const id = /AKIA\w+/.exec(created.message ?? '')?.[0] ?? 'no key named';
    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    await type.deleteLeftover(userName, id);
  });

  it('leaves nothing when the key cannot be made', async () => {
    type.use(deny('iam:CreateAccessKey'));

    const created = await type.cloudFormation().create({ UserName: userName });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it.each(['iam:CreateAccessKey', 'ssm:PutParameter', 'sts:GetCallerIdentity'])(
    'makes one key where an answer of %s does not come to its end',
    async (action) => {
      type.use(hangAnswers(1, action));

      const created = await type.cloudFormation().create({ UserName: userName });

      const id = String(created.resourceModel?.Id);
      expect(created).toMatchObject({ status: 'SUCCESS' });
      expect(await type.keysOf(userName)).toEqual([{ id, status: 'Active' }]);
      expect(await type.parameters()).toEqual([`${PREFIX}/${id}`]);
    },
  );
});
