import { refuse } from '../support/aws-proxy.ts';
import { actionOf, firstTimes, hideParameters } from '../support/behaviours.ts';
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
    ['Parameter Store does not show the secret yet', hideParameters(2)],
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
});
