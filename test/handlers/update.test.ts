import { actionOf, ageKeys, hideParameters, staleOnce } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('update handler', () => {
  const type = useLocalType();
  let userName: string;

  const createKey = async (status: 'Active' | 'Inactive' = 'Active') => {
    const created = await type.cloudFormation().create({ UserName: userName, Status: status });
    expect(created.status).toBe('SUCCESS');
    return { ...created.resourceModel, Id: String(created.resourceModel?.Id) };
  };

  beforeEach(async () => {
    userName = await type.createUser();
  });

  it.each([
    ['deactivates', 'Active', 'Inactive'],
    ['activates', 'Inactive', 'Active'],
    ['leaves alone', 'Active', 'Active'],
  ] as const)('%s the key that there is', async (_, before, after) => {
    const created = await createKey(before);

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: after });

    expect(updated.status).toBe('SUCCESS');
    expect(updated.resourceModel).toEqual({ ...created, Status: after });
    expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: after }]);
  });

  it('activates the key when the template says no more about its status', async () => {
    const created = await createKey('Inactive');

    const updated = await type.cloudFormation().update(created, { UserName: userName });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Active' } });
    expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
  });

  it('returns the secret of a key so new that Parameter Store misses its record', async () => {
    const created = await createKey();
    type.use(hideParameters(1));

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: 'Inactive' });

    expect(updated.resourceModel).toEqual({ ...created, Status: 'Inactive' });
  });

  it('switches off again what somebody switched on by hand', async () => {
    const created = await createKey('Inactive');
    await type.setStatus(userName, created.Id, 'Active');

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: 'Inactive' });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
    expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Inactive' }]);
  });

  it.each([
    ['nothing else changes', {}, {}],
    ['the Description comes', { Description: 'for CI' }, { Description: 'for CI' }],
    ['the Status is taken out of the template', { Status: undefined }, {}],
  ])('leaves off what somebody switched off by hand, where %s', async (_, desired, shown) => {
    const created = await createKey();
    await type.setStatus(userName, created.Id, 'Inactive');

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: 'Active', ...desired });

    expect(updated.status).toBe('SUCCESS');
    expect(updated.resourceModel).toEqual({ ...created, ...shown, Status: 'Inactive' });
    expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Inactive' }]);
    expect(type.calls.map(actionOf)).not.toContain('iam:UpdateAccessKey');
  });

  it('leaves the other key of the user, and every secret, alone', async () => {
    const created = await createKey();
    const other = await type.createForeignKey(userName);
    const { value } = await type.parameter(`${PREFIX}/${created.Id}`);

    await type.cloudFormation().update(created, { UserName: userName, Status: 'Inactive' });

    expect(await type.keysOf(userName)).toContainEqual({ id: other, status: 'Active' });
    expect((await type.parameter(`${PREFIX}/${created.Id}`)).value).toBe(value);
  });

  it('updates a key that the type never made', async () => {
    const Id = await type.createForeignKey(userName);
    type.use(ageKeys);

    const updated = await type
      .cloudFormation()
      .update({ Id, UserName: userName }, { UserName: userName, Status: 'Inactive' });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Id, Status: 'Inactive' } });
    expect(await type.keysOf(userName)).toEqual([{ id: Id, status: 'Inactive' }]);
  });

  it('updates the key of a user who was renamed', async () => {
    const created = await createKey();
    const renamed = `${userName}-renamed`;
    await type.renameUser(userName, renamed);

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: 'Inactive' });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { UserName: renamed } });
    expect(await type.keysOf(renamed)).toEqual([{ id: created.Id, status: 'Inactive' }]);
  });

  it('takes the name that READ shows for a user who was renamed', async () => {
    const created = await createKey();
    const renamed = `${userName}-renamed`;
    await type.renameUser(userName, renamed);

    const updated = await type
      .cloudFormation()
      .update({ ...created, UserName: renamed }, { UserName: renamed, Status: 'Inactive' });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { UserName: renamed } });
    expect(await type.keysOf(renamed)).toEqual([{ id: created.Id, status: 'Inactive' }]);
  });

  it('updates the key of a user whose name is spelled in another case', async () => {
    const spelled = userName.toUpperCase();
    const created = await type.cloudFormation().create({ UserName: spelled });

    const updated = await type
      .cloudFormation()
      .update({ ...created.resourceModel }, { UserName: spelled, Status: 'Inactive' });

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { UserName: spelled } });
    expect(await type.keysOf(userName)).toMatchObject([{ status: 'Inactive' }]);
  });

  it('updates a key whose parameter somebody edited', async () => {
    const created = await createKey();
    await type.overwriteParameter(`${PREFIX}/${created.Id}`, 'edited by hand');

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: 'Inactive' });

    expect(updated.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Inactive' }]);
  });

  it('withholds the secret when the type configuration says so', async () => {
    const created = await createKey();
    const typeConfiguration = { ExposeSecretAccessKey: false };

    const updated = await type
      .cloudFormation({ typeConfiguration })
      .update(created, { UserName: userName, Status: 'Inactive' });

    expect(updated.status).toBe('SUCCESS');
    expect(updated.resourceModel).not.toHaveProperty('SecretAccessKey');
  });

  it('is in progress until IAM lists the new status', async () => {
    const created = await createKey();
    type.use(staleOnce('iam:ListAccessKeys', 'iam:UpdateAccessKey'));

    const updated = await type
      .cloudFormation()
      .update(created, { UserName: userName, Status: 'Inactive' });

    expect(updated.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
    expect(updated.events[0]?.resourceModel?.Id).toBe(created.Id);
    expect(updated.resourceModel).toEqual({ ...created, Status: 'Inactive' });
  });
});
