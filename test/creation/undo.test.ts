import { deny, hangAnswers } from '../support/behaviours.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

describe('a CREATE that is undone', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
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
