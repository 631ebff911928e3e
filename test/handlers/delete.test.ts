import { ageKeys, deny, hideParameters, staleOnce } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('delete handler', () => {
  const type = useLocalType();
  let userName: string;

  const createKey = async (cloudFormation = type.cloudFormation()) => {
    const { resourceModel, status } = await cloudFormation.create({ UserName: userName });
    expect(status).toBe('SUCCESS');
    return { ...resourceModel, Id: String(resourceModel?.Id) };
  };

  beforeEach(async () => {
    userName = await type.createUser();
  });

  it.each([
    ['its id alone', (created: { Id: string }) => created.Id],
    ['its whole model', (created: { Id: string }) => created],
  ])('deletes the key and its secret by %s, and returns no model', async (_, toRequest) => {
    const created = await createKey();

    const deleted = await type.cloudFormation().delete(toRequest(created));

    expect(deleted.status).toBe('SUCCESS');
    expect(deleted).not.toHaveProperty('resourceModel');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it('deletes the secret, too, where Parameter Store misses it at first', async () => {
    const created = await createKey();
    type.use(hideParameters(1));

    const deleted = await type.cloudFormation().delete(created);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it('does not find the key the second time', async () => {
    const created = await createKey();
    await type.cloudFormation().delete(created);

    const again = await type.cloudFormation().delete(created);

    expect(again).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    expect(again.message).toContain(created.Id);
  });

  it('leaves the other key of the user alone', async () => {
    const created = await createKey();
    const other = await createKey();

    await type.cloudFormation().delete(created);

    expect(await type.keysOf(userName)).toEqual([{ id: other.Id, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${other.Id}`]);
  });

  it('finishes a DELETE that left the secret behind, and only that once', async () => {
    const created = await createKey();
    type.use(deny('ssm:DeleteParameter'));
    const halfDone = await type.cloudFormation().delete(created);
    const left = { keys: await type.keysOf(userName), parameters: await type.parameters() };
    type.allow();

    const finished = await type.cloudFormation().delete(created.Id);
    const again = await type.cloudFormation().delete(created.Id);

    expect(halfDone).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(left).toEqual({ keys: [], parameters: [`${PREFIX}/${created.Id}`] });
    expect(finished.status).toBe('SUCCESS');
    expect(again.errorCode).toBe('NotFound');
    expect(await type.parameters()).toEqual([]);
  });

  it('keeps the secret as long as the key is there', async () => {
    const created = await createKey();
    type.use(deny('iam:DeleteAccessKey'));

    const deleted = await type.cloudFormation().delete(created);

    expect(deleted).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(await type.keysOf(userName)).toEqual([{ id: created.Id, status: 'Active' }]);
    expect(await type.parameters()).toEqual([`${PREFIX}/${created.Id}`]);
  });

  it('deletes the secret of a key that somebody else deleted', async () => {
    const created = await createKey();
    await type.deleteKey(userName, created.Id);

    const deleted = await type.cloudFormation().delete(created);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.parameters()).toEqual([]);
  });

  it('deletes a key that the type never made, by its id alone', async () => {
    const Id = await type.createForeignKey(userName);
    type.use(ageKeys);

    const deleted = await type.cloudFormation().delete(Id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
  });

  it('deletes the key of the owner that it has, not of the one in the request', async () => {
    const Id = await type.createForeignKey(userName);
    const other = await type.createUser();
    const others = await type.createForeignKey(other);

    const deleted = await type.cloudFormation().delete({ Id, UserName: other });

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.keysOf(other)).toEqual([{ id: others, status: 'Active' }]);
  });

  it('deletes a key whose parameter somebody edited, and the parameter', async () => {
    const { Id } = await createKey();
    await type.overwriteParameter(`${PREFIX}/${Id}`, 'edited by hand');

    const deleted = await type.cloudFormation().delete(Id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it('deletes the key of a user who was renamed', async () => {
    const created = await createKey();
    await type.renameUser(userName, `${userName}-renamed`);

    const deleted = await type.cloudFormation().delete(created);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(`${userName}-renamed`)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it('deletes the key of a user who was renamed after a DELETE that did not learn whose it is', async () => {
    const created = await createKey();
    const renamed = `${userName}-renamed`;
    await type.renameUser(userName, renamed);
    type.use(deny('iam:GetAccessKeyLastUsed'));
    const failed = await type.cloudFormation().delete(created);
    const keys = await type.keysOf(renamed);
    type.allow();

    const deleted = await type.cloudFormation().delete(created);

    expect(failed).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
    expect(keys).toEqual([{ id: created.Id, status: 'Active' }]);
    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(renamed)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
  });

  it('deletes the key of a user whose name is spelled in another case', async () => {
    const { resourceModel } = await type
      .cloudFormation()
      .create({ UserName: userName.toUpperCase() });

    const deleted = await type.cloudFormation().delete({ ...resourceModel });

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
  });

  it('deletes an inactive key', async () => {
    const created = await createKey();
    await type.setStatus(userName, created.Id, 'Inactive');

    const deleted = await type.cloudFormation().delete(created);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.keysOf(userName)).toEqual([]);
  });

  it('deletes the secret under the configured prefix', async () => {
    const cloudFormation = type.cloudFormation({
      typeConfiguration: { ParameterPrefix: '/team/keys' },
    });
    const created = await createKey(cloudFormation);

    const deleted = await cloudFormation.delete(created);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.parameters()).toEqual([]);
  });

  it('is in progress until IAM no longer lists the key', async () => {
    const created = await createKey();
    type.use(staleOnce('iam:ListAccessKeys', 'iam:DeleteAccessKey'));
    await type.cloudFormation().read(created);

    const deleted = await type.cloudFormation().delete(created);

    expect(deleted.events.map(({ status }) => status)).toEqual(['IN_PROGRESS', 'SUCCESS']);
    expect(deleted.events[0]?.resourceModel?.Id).toBe(created.Id);
    expect(deleted).not.toHaveProperty('resourceModel');
    expect(await type.parameters()).toEqual([]);
  });

  it('finishes a DELETE whose answer was lost by the id alone', async () => {
    const created = await createKey();
    await type.deleteKey(userName, created.Id);

    const deleted = await type.cloudFormation().delete(created.Id);

    expect(deleted.status).toBe('SUCCESS');
    expect(await type.parameters()).toEqual([]);
  });
});
