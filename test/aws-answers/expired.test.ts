import type { Properties } from '../../local/cloudformation.ts';
import { ageKeys, expireKeys } from '../support/behaviours.ts';
import { useLocalType } from '../support/local-type.ts';

describe('an expired key', () => {
  const type = useLocalType();
  let userName: string;
  let id: string;
  let model: Properties;

  const begin = async () => {
    userName = await type.createUser();
    model = { UserName: userName, Status: 'Active' };
    const created = await type.cloudFormation().create(model);
    id = String(created.resourceModel?.Id);
    type.use(expireKeys(id));
  };

  /** From Inactive, unless the test says otherwise. */
  const update = (desired: Properties, { Status = 'Inactive', typeConfiguration = {} } = {}) =>
    type.cloudFormation({ typeConfiguration }).update({ ...model, Status, Id: id }, desired);

  it('is Inactive to READ and LIST', async () => {
    await begin();

    const read = await type.cloudFormation().read(id);
    const list = await type.cloudFormation().list({ UserName: userName });

    expect(read).toMatchObject({
      status: 'SUCCESS',
      resourceModel: { Id: id, Status: 'Inactive' },
    });
    expect(list.resourceModels).toMatchObject([{ Id: id, Status: 'Inactive' }]);
  });

  it('counts toward the quota of IAM', async () => {
    await begin();
    const other = await type.createForeignKey(userName);

    const third = await type.cloudFormation().create({ UserName: userName });

    expect(third).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
    expect(third.message).toContain(id);
    expect((await type.keysOf(userName)).map((key) => key.id).sort()).toEqual([id, other].sort());
  });

  it('counts toward MaxKeysPerUser', async () => {
    await begin();
    type.use(ageKeys);

    const second = await type
      .cloudFormation({ typeConfiguration: { MaxKeysPerUser: 1 } })
      .create({ UserName: userName });

    expect(second).toMatchObject({ status: 'FAILED', errorCode: 'ServiceLimitExceeded' });
    expect(second.message).toContain(id);
    expect(await type.keysOf(userName)).toHaveLength(1);
  });

  it('cannot be made active: UPDATE says why, and what helps', async () => {
    await begin();

    const updated = await update(model);

    expect(updated).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    expect(updated.message).toContain(id);
    expect(updated.message).toMatch(/expired/);
    expect(updated.message).toMatch(/Serial/);
  });

  it('passes no guardrail', async () => {
    await begin();

    const typeConfiguration = { AllowedUserNames: ['nobody-*'] };

    const updated = await update(model, { typeConfiguration });

    expect(updated.status).toBe('FAILED');
    expect(['AccessDenied', 'InvalidRequest']).toContain(updated.errorCode);
    expect(type.calls.map(({ action }) => action)).not.toContain('UpdateAccessKey');
  });

  it('is rotated as any other, by a Serial that is raised', async () => {
    await begin();
    const rotated = await type.cloudFormation().create({ ...model, Serial: 1 });

    const deleted = await type.cloudFormation().delete({ ...model, Id: id });

    expect([rotated.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(await type.keysOf(userName)).toEqual([
      { id: rotated.resourceModel?.Id, status: 'Active' },
    ]);
  });

  it.each(['Active', 'Inactive'])(
    'may become Inactive in a template that said %s',
    async (Status) => {
      await begin();
      const desired = { ...model, Status: 'Inactive', Description: 'has expired' };

      const updated = await update(desired, { Status });

      expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
      expect(await type.tagsOf(userName)).toEqual({ [id]: 'has expired' });
    },
  );
});
