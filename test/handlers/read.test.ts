import { setTimeout as sleep } from 'node:timers/promises';
import { refuse, type Call } from '../support/aws-proxy.ts';
import {
  actionOf,
  ageKeys,
  deny,
  denyInOpenWords,
  firstTimes,
  hangAnswers,
  hideParameters,
} from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('read handler', () => {
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

  it('serves the secret from the id alone, in a container that did not make the key', async () => {
    const created = await createKey();
    const other = await type.startContainer();

    const read = await type.cloudFormation({ function: other }).read(created.Id);

    expect(read.status).toBe('SUCCESS');
    expect(read.resourceModel).toEqual(created);
    expect(read.resourceModel?.SecretAccessKey).toBe(type.mintedSecrets[0]);
  });

  it('answers for the whole model as for the id alone', async () => {
    const created = await createKey();

    const read = await type.cloudFormation().read({ ...created, Serial: 1 });

    expect(read.resourceModel).toEqual(created);
  });

  it.each(['ssm:GetParameters', 'iam:ListAccessKeys', 'iam:ListUserTags'])(
    'gives up an answer of %s that does not come to its end, and asks again',
    async (action) => {
      const created = await createKey();
      type.use(hangAnswers(1, action));

      const read = await type.cloudFormation().read(created.Id);

      expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: created });
    },
  );

  it('does not wait as long as an answer asks to', async () => {
    const created = await createKey();
    const unavailable = (call: Call) => ({
      ...refuse(call, 503, 'ServiceUnavailable', 'Come back later'),
      headers: { 'retry-after': '30' },
    });
    type.use(firstTimes(1, 'ssm:GetParameters', unavailable));

    const read = await type.cloudFormation().read(created.Id);

    expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: created });
    expect(Math.max(...read.milliseconds)).toBeLessThan(5_000);
  });

  it.each([{ Parameters: [null] }, { InvalidParameters: [null] }, { Parameters: null }, null])(
    'does not make a missing secret of the answer %j',
    async (body) => {
      const created = await createKey();
      const answer = { status: 200, headers: {}, body: JSON.stringify(body) };
      type.use(firstTimes(Infinity, 'ssm:GetParameters', () => answer));

      const read = await type.cloudFormation().read(created.Id);

      expect(read).toMatchObject({ status: 'FAILED', errorCode: 'ServiceInternalError' });
    },
  );

  it('shows a status that somebody changed', async () => {
    const { Id } = await createKey();
    await type.setStatus(userName, Id, 'Inactive');

    const read = await type.cloudFormation().read({ Id, UserName: userName, Status: 'Active' });

    expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
  });

  it('finds the key of a user who was renamed, and shows the new name', async () => {
    const created = await createKey();
    await type.renameUser(userName, `${userName}-renamed`);

    const byId = await type.cloudFormation().read(created.Id);
    const byModel = await type.cloudFormation().read(created);

    const expected = { ...created, UserName: `${userName}-renamed` };
    expect(byId.resourceModel).toEqual(expected);
    expect(byModel.resourceModel).toEqual(expected);
  });

  it.each(['read', 'delete'] as const)(
    'finds the key of a renamed user for a %s while IAM still names the old user for it',
    async (operation) => {
      const created = await createKey();
      const renamed = `${userName}-renamed`;
      await type.renameUser(userName, renamed);
      type.use(async (call, next) => {
        const answer = await next(call);
        return call.action === 'GetAccessKeyLastUsed'
          ? { ...answer, body: answer.body.replaceAll(renamed, userName) }
          : answer;
      });

      const outcome = await type.cloudFormation()[operation](created.Id);

      expect(outcome.status).toBe('SUCCESS');
      expect(await type.keysOf(renamed)).toHaveLength(operation === 'read' ? 1 : 0);
    },
  );

  it("gives the template's spelling of the user's name back, from the id alone", async () => {
    const spelled = userName.toUpperCase();
    const { resourceModel } = await type.cloudFormation().create({ UserName: spelled });

    const read = await type.cloudFormation().read(String(resourceModel?.Id));

    expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: { UserName: spelled } });
  });

  it('reads a key that the type never made, without a secret', async () => {
    const Id = await type.createForeignKey(userName);
    type.use(ageKeys);

    const read = await type.cloudFormation().read(Id);

    expect(read.status).toBe('SUCCESS');
    expect(read.resourceModel).toEqual({
      Id,
      UserName: userName,
      Status: 'Active',
      CreateDate: '2020-02-03T04:05:06.000Z',
    });
  });

  it("takes the request's spelling for a key that the type never made", async () => {
    const Id = await type.createForeignKey(userName);
    type.use(ageKeys);

    const read = await type.cloudFormation().read({ Id, UserName: userName.toUpperCase() });

    expect(read.resourceModel?.UserName).toBe(userName.toUpperCase());
  });

  it('reports the owner that the key has, not the one in the request', async () => {
    const Id = await type.createForeignKey(userName);
    const other = await type.createUser();
    type.use(ageKeys);

    const read = await type.cloudFormation().read({ Id, UserName: other });

    expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: { UserName: userName } });
  });

  it('waits for the secret of a key that is seconds old', async () => {
    const created = await createKey();
    type.use(hideParameters(2));

    const read = await type.cloudFormation().read(created.Id);

    expect(read.events.map(({ status }) => status)).toEqual(['SUCCESS']);
    expect(read.resourceModel).toEqual(created);
  });

  it('asks once for the secret of a key that is not new', async () => {
    const Id = await type.createForeignKey(userName);
    type.use(ageKeys);

    await type.cloudFormation().read(Id);

    expect(
      type.calls.map(actionOf).filter((action) => action === 'ssm:GetParameters'),
    ).toHaveLength(1);
  });

  it.each([
    ['no JSON', 'edited by hand'],
    ['JSON of another kind', '["secret"]'],
    ['no more than null', 'null'],
    ['fields of the wrong kind', '{"secretAccessKey":1,"userName":[],"serial":"x"}'],
  ])('reads a key whose parameter holds %s, without a secret', async (_, value) => {
    const { Id } = await createKey();
    await type.overwriteParameter(`${PREFIX}/${Id}`, value);

    const read = await type.cloudFormation().read(Id);

    expect(read).toMatchObject({ status: 'SUCCESS', resourceModel: { Id, UserName: userName } });
    expect(read.resourceModel).not.toHaveProperty('SecretAccessKey');
  });

  it('asks nobody but the record who the user of its own key is', async () => {
    const created = await createKey();
    type.use(deny('iam:GetAccessKeyLastUsed'));
    type.use(deny('iam:ListUsers'));

    const read = await type.cloudFormation().read(created.Id);

    expect(read.resourceModel).toEqual(created);
  });

  it.each([
    ['false', false],
    ['"false", as CloudFormation sends it', 'false'],
  ])('withholds the secret when ExposeSecretAccessKey is %s', async (_, exposed) => {
    const { Id } = await createKey();
    const typeConfiguration = { ExposeSecretAccessKey: exposed };

    const read = await type.cloudFormation({ typeConfiguration }).read(Id);

    expect(read.status).toBe('SUCCESS');
    expect(read.resourceModel).not.toHaveProperty('SecretAccessKey');
  });

  it('looks under the configured prefix', async () => {
    const cloudFormation = type.cloudFormation({
      typeConfiguration: { ParameterPrefix: '/team/keys' },
    });
    const created = await createKey(cloudFormation);

    const read = await cloudFormation.read(created.Id);

    expect(read.resourceModel).toEqual(created);
  });

  it('does not find a key that was deleted, though its secret is still there', async () => {
    const { Id } = await createKey();
    await type.deleteKey(userName, Id);

    const byId = await type.cloudFormation().read(Id);
    const byModel = await type.cloudFormation().read({ Id, UserName: userName });

    expect(byId).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    expect(byModel).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    await type.deleteParameter(`${PREFIX}/${Id}`);
  });

  it('looks at every user before it says NotFound where IAM does not say why it denies', async () => {
    type.use(denyInOpenWords);

    const read = await type.cloudFormation().read('AKIAUNKNOWNUNKNOWN00');

    expect(read).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    expect(type.calls.map(actionOf)).toContain('iam:ListUsers');
  });

  it('does not say NotFound, and ends in time, where IAM is too slow to look at every user', async () => {
    await Promise.all(Array.from({ length: 40 }, () => type.createUser()));
    type.pageSizes.users = 20;
    type.use(denyInOpenWords);
    type.use(async (call, next) => {
      if (call.action.startsWith('List')) await sleep(4_000);
      return next(call);
    });

    const read = await type.cloudFormation().read('AKIAUNKNOWNUNKNOWN00');

    expect(read).toMatchObject({ status: 'FAILED', errorCode: 'Throttling' });
    expect(read.message).toContain('iam:GetAccessKeyLastUsed');
    expect(Math.max(...read.milliseconds)).toBeLessThan(30_000);
  });

  it('finds a key on whatever page of its user IAM puts it', async () => {
    const ids = [await type.createForeignKey(userName), await type.createForeignKey(userName)];
    type.use(ageKeys);
    type.pageSizes.keys = 1;

    const reads = await Promise.all(ids.map((id) => type.cloudFormation().read(id)));

    expect(reads.map(({ resourceModel }) => resourceModel?.Id)).toEqual(ids);
  });
});
