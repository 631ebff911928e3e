import type { CloudFormation, Outcome, Properties } from '../../local/cloudformation.ts';
import { actionOf } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('PreviousKey', () => {
  const type = useLocalType();
  let userName: string;
  let stack: CloudFormation;

  beforeEach(async () => {
    userName = await type.createUser();
    stack = type.cloudFormation();
  });

  const create = async (properties: Properties = {}, on = stack): Promise<string> =>
    idOf(await on.create({ UserName: userName, ...properties }));

  /** CREATE of the new key, and DELETE of the old one in the clean-up. */
  const rotate = async (old: string, properties: Properties, on = stack): Promise<string> => {
    const young = await create(properties, on);
    expect(await on.delete(old)).toMatchObject({ status: 'SUCCESS' });
    return young;
  };

  /** The user's keys by their status, and whose records there are. */
  const farSide = async () => {
    const keys = await type.keysOf(userName);
    const parameters = await type.parameters();
    return {
      keys: Object.fromEntries(keys.map(({ id, status }) => [id, status])),
      records: parameters.map((name) => name.slice(PREFIX.length + 1)),
    };
  };
  const expectFarSide = async (keys: Record<string, string>) => {
    expect(await farSide()).toEqual({ keys, records: Object.keys(keys).sort() });
  };

  const readPrevious = async (id: string) => {
    const { status, resourceModel } = await stack.read(id);
    const { PreviousKey, PreviousKeyId } = resourceModel ?? {};
    expect(status).toBe('SUCCESS');
    return [PreviousKey, PreviousKeyId];
  };

  const update = (id: string, before: Properties, after: Properties, options = {}) =>
    stack.update(
      { Id: id, UserName: userName, ...before },
      { UserName: userName, ...after },
      options,
    );

  const expectGone = async (id: string) => {
    const model = { Id: id, UserName: userName };
    const outcomes = [
      await stack.read(id),
      await stack.read(model),
      await stack.update(model, { UserName: userName, Status: 'Active' }),
      await stack.delete(id),
    ];
    const expected = { status: 'FAILED', errorCode: 'NotFound' };
    for (const outcome of outcomes) expect(outcome).toMatchObject(expected);
  };

  describe.each(['Active', 'Inactive'])('%s', (PreviousKey) => {
    it('lets the key that a rotation replaces live on', async () => {
      const old = await create({ Serial: 1, PreviousKey, Description: 'old' });
      const secret = (await stack.read(old)).resourceModel?.SecretAccessKey;

      const young = await create({ Serial: 2, PreviousKey });
      const beforeCleanUp = await readPrevious(young);
      const cleanedUp = await stack.delete(old);

      expect(cleanedUp).toMatchObject({ status: 'SUCCESS' });
      await expectFarSide({ [old]: PreviousKey, [young]: 'Active' });
      await expectGone(old);
      expect([beforeCleanUp, await readPrevious(young)]).toEqual([
        [PreviousKey, old],
        [PreviousKey, old],
      ]);
      expect(await type.tagsOf(userName)).toEqual({ [old]: 'old' });
      const record = JSON.parse((await type.parameter(`${PREFIX}/${old}`)).value) as object;
      expect(record).toMatchObject({ secretAccessKey: secret, successorId: young });
    });

    it('is reported as declared while there is no key before', async () => {
      const first = await create({ PreviousKey });

      expect(await readPrevious(first)).toEqual([PreviousKey, undefined]);
      await expectFarSide({ [first]: 'Active' });
    });

    it('makes room for the next rotation', async () => {
      const first = await create({ Serial: 1, Description: 'first' });
      const second = await rotate(first, { Serial: 2, PreviousKey });

      const third = await rotate(second, { Serial: 3, PreviousKey });

      await expectFarSide({ [second]: PreviousKey, [third]: 'Active' });
      expect(await type.tagsOf(userName)).toEqual({});
      expect(await readPrevious(third)).toEqual([PreviousKey, second]);
    });

    it('holds under MaxKeysPerUser 1, after a roll-back as well', async () => {
      const strict = type.cloudFormation({ typeConfiguration: { MaxKeysPerUser: 1 } });
      const first = await create({ Serial: 1, PreviousKey }, strict);
      const second = await rotate(first, { Serial: 2, PreviousKey }, strict);
      const taken = await create({ Serial: 3, PreviousKey }, strict);
      await strict.delete(taken);

      const third = await rotate(second, { Serial: 3, PreviousKey }, strict);

      await expectFarSide({ [second]: PreviousKey, [third]: 'Active' });
    });
  });

  it('Deleted, or none, deletes the key that a rotation replaces', async () => {
    const first = await create({ Serial: 1 });
    const second = await rotate(first, { Serial: 2, PreviousKey: 'Deleted' });
    const third = await rotate(second, { Serial: 3 });

    await expectFarSide({ [third]: 'Active' });
    expect(await readPrevious(third)).toEqual([undefined, undefined]);
  });

  it('costs an ordinary rotation and deletion no call', async () => {
    const first = await create({ Serial: 1 });
    const made = type.calls.length;
    const second = await create({ Serial: 2 });
    const rotated = type.calls.slice(made).map(actionOf);
    const before = type.calls.length;
    await stack.delete(first);
    await stack.delete(second);
    const deleted = type.calls.slice(before).map(actionOf);

    const [list, get, put] = ['iam:ListAccessKeys', 'ssm:GetParameters', 'ssm:PutParameter'];
    const looks = [list, get, 'sts:GetCallerIdentity'].sort();
    expect([...rotated.slice(0, 6), ...rotated.slice(6, 9).sort(), ...rotated.slice(9)]).toEqual([
      ...[list, put, ...rotated.slice(2, 4), 'iam:CreateAccessKey', put],
      ...[...looks, 'ssm:DeleteParameter'],
    ]);
    expect(rotated.slice(2, 4).sort()).toEqual([list, get]);
    const deletion = [get, 'iam:DeleteAccessKey', 'iam:UntagUser', 'ssm:DeleteParameter', list];
    expect(deleted).toEqual([...deletion, ...deletion]);
  });

  describe('UPDATE', () => {
    let old: string;
    let young: string;

    beforeEach(async () => {
      old = await create({ Serial: 1 });
      young = await rotate(old, { Serial: 2, PreviousKey: 'Active' });
    });

    it('switches the previous key off and on, and deletes it, without a new key', async () => {
      const active = { Serial: 2, PreviousKey: 'Active' };
      const inactive = { Serial: 2, PreviousKey: 'Inactive' };

      const off = await update(young, active, inactive);
      await expectFarSide({ [old]: 'Inactive', [young]: 'Active' });
      const on = await update(young, inactive, active);
      await expectFarSide({ [old]: 'Active', [young]: 'Active' });
      const gone = await update(young, active, { Serial: 2 });
      await expectFarSide({ [young]: 'Active' });

      expect([off, on, gone].map(({ status }) => status)).toEqual(Array(3).fill('SUCCESS'));
      expect(off.resourceModel).toMatchObject({ PreviousKey: 'Inactive', PreviousKeyId: old });
      expect(on.resourceModel).toMatchObject({ PreviousKey: 'Active', PreviousKeyId: old });
      expect(await readPrevious(young)).toEqual(['Deleted', undefined]);
    });

    it('brings nothing back', async () => {
      const active = { Serial: 2, PreviousKey: 'Active' };
      await update(young, active, { Serial: 2, PreviousKey: 'Deleted' });

      const updated = await update(young, { Serial: 2, PreviousKey: 'Deleted' }, active);

      expect(updated).toMatchObject({
        status: 'SUCCESS',
        resourceModel: { PreviousKey: 'Active' },
      });
      await expectFarSide({ [young]: 'Active' });
      expect(await readPrevious(young)).toEqual(['Active', undefined]);
    });

    it('leaves off what somebody switched off by hand', async () => {
      const active = { Serial: 2, PreviousKey: 'Active' };
      await type.setStatus(userName, old, 'Inactive');
      const drifted = await readPrevious(young);

      const updated = await update(young, active, { ...active, Description: 'changed' });

      expect(updated.status).toBe('SUCCESS');
      expect(drifted).toEqual(['Inactive', old]);
      await expectFarSide({ [old]: 'Inactive', [young]: 'Active' });
    });

    it('asks the guardrails before it switches the previous key on, but not to take an update back', async () => {
      await update(young, { PreviousKey: 'Active' }, { PreviousKey: 'Inactive' });
      const narrow = type.cloudFormation({ typeConfiguration: { AllowedUserPaths: ['/ci/*'] } });
      const before = { Id: young, UserName: userName, PreviousKey: 'Inactive' };
      const after = { UserName: userName, PreviousKey: 'Active' };

      const refused = await narrow.update(before, after);
      await expectFarSide({ [old]: 'Inactive', [young]: 'Active' });
      const takenBack = await narrow.update(before, after, { rollback: true });
      await expectFarSide({ [old]: 'Active', [young]: 'Active' });

      expect(refused).toMatchObject({
        status: 'FAILED',
        errorCode: 'AccessDenied',
        message: expect.stringContaining('AllowedUserPaths'),
      });
      expect(takenBack.status).toBe('SUCCESS');
    });

    it('goes on where somebody deleted the previous key by hand', async () => {
      await type.deleteKey(userName, old);
      const read = await readPrevious(young);

      const updated = await update(young, { PreviousKey: 'Active' }, { PreviousKey: 'Deleted' });

      expect(read).toEqual(['Deleted', undefined]);
      expect(updated.status).toBe('SUCCESS');
      await expectFarSide({ [young]: 'Active' });
    });

    it('forgets nothing of a previous key that somebody deleted by hand', async () => {
      await type.deleteKey(userName, old);

      await update(young, { PreviousKey: 'Active' }, { PreviousKey: 'Inactive' });

      await expectFarSide({ [young]: 'Active' });
    });

    it('does not wait for a key of another user that somebody wrote into the record', async () => {
      const other = await type.createUser();
      const foreign = await type.createForeignKey(other);
      const name = `${PREFIX}/${young}`;
      const record = JSON.parse((await type.parameter(name)).value) as object;
      await type.overwriteParameter(name, JSON.stringify({ ...record, previousKeyId: foreign }));

      const updated = await update(young, { PreviousKey: 'Active' }, { PreviousKey: 'Inactive' });

      expect(updated).toMatchObject({
        status: 'SUCCESS',
        resourceModel: { PreviousKey: 'Inactive' },
      });
      expect(await type.keysOf(other)).toEqual([{ id: foreign, status: 'Active' }]);
      await stack.delete(young);
      await stack.delete(old);
    });

    it('leaves what somebody else wrote into the record', async () => {
      const name = `${PREFIX}/${young}`;
      await type.overwriteParameter(name, 'garbage');

      const before = { PreviousKey: 'Active' };
      const updated = await update(young, before, { PreviousKey: 'Inactive' });

      expect((await type.parameter(name)).value).toBe('garbage');
      expect(updated).toMatchObject({ resourceModel: { PreviousKey: 'Inactive' } });
      const read = await stack.read({ ...updated.resourceModel });
      expect(read.resourceModel).toEqual(updated.resourceModel);
      await type.deleteKey(userName, old);
      await type.deleteParameter(`${PREFIX}/${old}`);
    });

    it('remembers what it said where there is no previous key', async () => {
      const other = type.cloudFormation();
      const lone = idOf(await other.create({ UserName: await type.createUser() }));

      const declare = async (before: Properties, after: Properties) => {
        const model = { Id: lone, UserName: (await other.read(lone)).resourceModel?.UserName };
        const updated = await other.update({ ...model, ...before }, { ...model, ...after });
        return [
          updated.resourceModel?.PreviousKey,
          (await other.read(lone)).resourceModel?.PreviousKey,
        ];
      };

      expect(await declare({}, { PreviousKey: 'Active' })).toEqual(['Active', 'Active']);
      expect(await declare({ PreviousKey: 'Active' }, { PreviousKey: 'Deleted' })).toEqual([
        'Deleted',
        'Deleted',
      ]);
      expect(await declare({ PreviousKey: 'Deleted' }, {})).toEqual(['Deleted', 'Deleted']);
      expect(await declare({}, { PreviousKey: 'Inactive' })).toEqual(['Inactive', 'Inactive']);
      expect(await declare({ PreviousKey: 'Inactive' }, {})).toEqual([undefined, undefined]);
    });
  });

  describe('a roll-back', () => {
    it('leaves the old key whole, and its next DELETE deletes it', async () => {
      const old = await create({ Serial: 1 });
      const young = await create({ Serial: 2, PreviousKey: 'Active' });

      const takenBack = await stack.delete(young);

      expect(takenBack.status).toBe('SUCCESS');
      await expectFarSide({ [old]: 'Active' });
      expect((await stack.read(old)).status).toBe('SUCCESS');
      expect((await stack.delete(old)).status).toBe('SUCCESS');
      await expectFarSide({});
    });

    it('comes too late for the key that made room', async () => {
      const first = await create({ Serial: 1 });
      const second = await rotate(first, { Serial: 2, PreviousKey: 'Active' });
      const third = await create({ Serial: 3, PreviousKey: 'Active' });

      await stack.delete(third);

      await expectFarSide({ [second]: 'Active' });
      expect(await readPrevious(second)).toEqual(['Deleted', undefined]);
    });
  });

  describe('DELETE of the current key', () => {
    it('takes the previous key along', async () => {
      const old = await create({ Serial: 1, Description: 'old' });
      const young = await rotate(old, { Serial: 2, PreviousKey: 'Inactive', Description: 'new' });

      expect((await stack.delete(young)).status).toBe('SUCCESS');

      await expectFarSide({});
      expect(await type.tagsOf(userName)).toEqual({});
    });

    it('takes it along where somebody deleted the current key by hand', async () => {
      const old = await create({ Serial: 1 });
      const young = await rotate(old, { Serial: 2, PreviousKey: 'Active' });
      await type.deleteKey(userName, young);

      expect((await stack.delete(young)).status).toBe('SUCCESS');

      await expectFarSide({});
    });

    // A stack is deleted while its update still cleans up.
    it.each([
      ['before the key goes', 'DeleteAccessKey', false],
      ['while the clean-up has not said yet that it lives on', 'PutParameter', true],
    ])('takes it along where the clean-up runs beside it, %s', async (_, action, isLast) => {
      const old = await create({ Serial: 1 });
      const young = await create({ Serial: 2, PreviousKey: 'Active' });
      const other = type.cloudFormation({ function: await type.startContainer() });
      const [first, second] = isLast ? [old, young] : [young, old];
      let beside: Outcome | undefined;
      type.use(async (call, next) => {
        if (call.action === action && !beside) beside = await other.delete(second);
        return next(call);
      });

      expect((await stack.delete(first)).status).toBe('SUCCESS');

      expect(beside?.status).toBe('SUCCESS');
      await expectFarSide({});
    });

    it('leaves a key that CloudFormation retained', async () => {
      const old = await create({ Serial: 1 });
      const young = await create({ Serial: 2, PreviousKey: 'Inactive' });
      await update(young, { PreviousKey: 'Inactive' }, { PreviousKey: 'Deleted' });
      await expectFarSide({ [old]: 'Active', [young]: 'Active' });
      expect(await readPrevious(young)).toEqual(['Deleted', old]);

      expect((await stack.delete(young)).status).toBe('SUCCESS');

      await expectFarSide({ [old]: 'Active' });
      expect((await stack.read(old)).status).toBe('SUCCESS');
    });
  });

  it('is not done before Parameter Store shows the mark that saves the old key', async () => {
    const old = await create({ Serial: 1 });
    const name = `${PREFIX}/${old}`;
    const unmarked = (await type.parameter(name)).value;
    let looksAfterMark = 0;
    let isMarked = false;
    type.use(async (call, next) => {
      const { action, parameters } = call;
      if (action === 'PutParameter' && parameters.Name === name) isMarked = true;
      const answer = await next(call);
      const asksForMark = action === 'GetParameters' && String(parameters.Names) === name;
      if (!isMarked || !asksForMark || looksAfterMark++ > 0) return answer;
      return { ...answer, body: withValue(answer.body, unmarked) };
    });

    const created = await stack.create({ UserName: userName, Serial: 2, PreviousKey: 'Active' });

    expect(created.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
    expect(looksAfterMark).toBe(2);
  });

  describe.each(['before', 'after'])('of a user who was renamed %s the clean-up', (when) => {
    it('lives on', async () => {
      const old = await create({ Serial: 1 });
      const young = await create({ Serial: 2, PreviousKey: 'Active' });
      const rename = async () => {
        await type.renameUser(userName, `${userName}-renamed`);
        userName = `${userName}-renamed`;
      };

      if (when === 'before') await rename();
      const cleanedUp = await stack.delete(old);
      if (when === 'after') await rename();

      expect(cleanedUp.status).toBe('SUCCESS');
      await expectGone(old);
      await expectFarSide({ [old]: 'Active', [young]: 'Active' });
    });
  });

  it('switches off the key before the one that somebody deleted by hand', async () => {
    const first = await create({ Serial: 1 });
    const second = await rotate(first, { Serial: 2, PreviousKey: 'Active' });
    await type.deleteKey(userName, second);

    const made = await stack.create({ UserName: userName, Serial: 3, PreviousKey: 'Inactive' });
    const third = idOf(made);
    await stack.delete(second);

    await expectFarSide({ [first]: 'Inactive', [third]: 'Active' });
    expect(made.resourceModel).toMatchObject({ PreviousKey: 'Inactive', PreviousKeyId: first });
    expect((await stack.read(third)).resourceModel).toEqual(made.resourceModel);
  });

  it('never touches the key of another resource', async () => {
    const foreign = await type.createForeignKey(userName);
    const other = type.cloudFormation();
    const young = await create({ Serial: 2, PreviousKey: 'Inactive' }, other);

    expect((await other.read(young)).resourceModel).not.toHaveProperty('PreviousKeyId');
    expect((await other.delete(young)).status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([{ id: foreign, status: 'Active' }]);
  });

  it('leaves the version of the previous key AWSPREVIOUS, and takes it back with the secret', async () => {
    const { name: SecretId } = await type.createSecret();
    const old = await create({ Serial: 1, SecretId });
    const young = await rotate(old, { Serial: 2, SecretId, PreviousKey: 'Active' });

    expect(await type.stagesOf(SecretId)).toMatchObject({
      AWSCURRENT: expect.stringContaining(young),
      AWSPREVIOUS: expect.stringContaining(old),
    });
    await expectFarSide({ [old]: 'Active', [young]: 'Active' });
    expect((await stack.delete(young)).status).toBe('SUCCESS');
    await expectFarSide({});
  });

  it('is not on before the switch: a key that was off when it was replaced stays off', async () => {
    const old = await create({ Serial: 1 });
    await type.setStatus(userName, old, 'Inactive');
    const young = await rotate(old, { Serial: 2, PreviousKey: 'Active' });

    await expectFarSide({ [old]: 'Inactive', [young]: 'Active' });
    expect(await readPrevious(young)).toEqual(['Inactive', old]);
  });
});

function idOf({ status, resourceModel, message }: Outcome): string {
  expect([status, message]).toEqual(['SUCCESS', expect.anything()]);
  return String(resourceModel?.Id);
}

function withValue(body: string, Value: string): string {
  const answer = JSON.parse(body) as { Parameters: object[] };
  return JSON.stringify({
    ...answer,
    Parameters: answer.Parameters.map((each) => ({ ...each, Value })),
  });
}
