import { CreateAccessKeyCommand } from '@aws-sdk/client-iam';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer } from '../support/aws-proxy.ts';
import { actionOf, deny, loseAnswers } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('attempts with one client request token', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
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

  it('leaves nothing where the user has two keys and the refusal was lost', async () => {
    const keys = [await type.createForeignKey(userName), await type.createForeignKey(userName)];
    type.use(loseAnswers(1, 'iam:CreateAccessKey'));

    const created = await type.cloudFormation().create({ UserName: userName });

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
    for (const key of keys) expect(created.message).toContain(key);
    expect(created.message).not.toContain('may have been made');
    expect(await type.parameters()).toEqual([]);
    expect((await type.keysOf(userName)).map(({ id }) => id).sort()).toEqual(keys.sort());
  });

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
});
