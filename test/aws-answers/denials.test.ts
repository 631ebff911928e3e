import { ageKeys, deny } from '../support/behaviours.ts';
import { useLocalType } from '../support/local-type.ts';

describe('what a denial says', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  it.each([
    ['iam:ListAccessKeys', {}],
    ['ssm:GetParameters', {}],
    ['iam:GetUser', { AllowedUserNames: ['user-*'] }],
  ])(
    'of a first read with %s speaks of no key that may have been made',
    async (action, typeConfiguration) => {
      // With a key there is a record to look for.
      await type.createForeignKey(userName);
      type.use(ageKeys);
      type.use(deny(action));

      const created = await type
        .cloudFormation({ typeConfiguration })
        .create({ UserName: userName });

      expect(created).toMatchObject({
        status: 'FAILED',
        errorCode: 'AccessDenied',
        message: expect.stringContaining(action),
      });
      expect(created.message).not.toMatch(/may have been made|left behind/);
      expect(type.calls.map((call) => call.action)).not.toContain('CreateAccessKey');
      expect(await type.parameters()).toEqual([]);
    },
  );

  it.each(['/aws', '/AWS/keys', '/awsome/keys', '/AwSx', '/ssm/keys', '/Ssm', '/SSMs/keys'])(
    'of a ParameterPrefix that is reserved comes before any call: %s',
    async (ParameterPrefix) => {
      const created = await type
        .cloudFormation({ typeConfiguration: { ParameterPrefix } })
        .create({ UserName: userName });

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
      expect(type.calls).toEqual([]);
    },
  );

  it.each(['/org/aws', '/my/ssm/keys', '/laws'])('is none for the prefix %s', async (prefix) => {
    const created = await type
      .cloudFormation({ typeConfiguration: { ParameterPrefix: prefix } })
      .create({ UserName: userName });

    expect(created.status).toBe('SUCCESS');
    expect(await type.parameters()).toEqual([`${prefix}/${String(created.resourceModel?.Id)}`]);
  });
});
