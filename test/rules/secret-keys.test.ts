import type { Outcome, Properties } from '../../local/cloudformation.ts';
import { PREFIX, useLocalType } from '../support/local-type.ts';

const FIELDS = ['AccessKeyId', 'SecretAccessKey', 'UserName', 'SesSmtpPassword', 'SesSmtpEndpoint'];
const MISPLACED = 'misplaced/secret+0123456789/';

describe('SecretKeys', () => {
  const type = useLocalType();
  let userName: string;
  let secretId: string;

  beforeEach(async () => {
    userName = await type.createUser();
    ({ name: secretId } = await type.createSecret('{"port":587}'));
  });

  const properties = (SecretKeys: unknown, more: Properties = {}) => ({
    UserName: userName,
    SecretId: secretId,
    SecretKeys,
    ...more,
  });
  const delivered = async () =>
    JSON.parse(await type.secretValue(secretId)) as Record<string, string>;

  describe('in CREATE', () => {
    it.each<[string, Record<string, string>, readonly string[]]>([
      ['none', {}, FIELDS],
      [
        'some',
        { AccessKeyId: 'username', SesSmtpPassword: 'password' },
        ['username', 'SecretAccessKey', 'UserName', 'password', 'SesSmtpEndpoint'],
      ],
      [
        'all',
        Object.fromEntries(FIELDS.map((field) => [field, `smtp.${field} "ü"`])),
        FIELDS.map((field) => `smtp.${field} "ü"`),
      ],
      [
        'two that change places',
        { AccessKeyId: 'UserName', UserName: 'AccessKeyId' },
        ['UserName', 'SecretAccessKey', 'AccessKeyId', 'SesSmtpPassword', 'SesSmtpEndpoint'],
      ],
      [
        'one named as what every object has',
        { UserName: '__proto__' },
        ['AccessKeyId', 'SecretAccessKey', '__proto__', 'SesSmtpPassword', 'SesSmtpEndpoint'],
      ],
    ])('names %s of the fields, and nothing else is in the secret', async (_, keys, names) => {
      const created = await type.cloudFormation().create(properties(keys));

      expect(created.status).toBe('SUCCESS');
      const id = String(created.resourceModel?.Id);
      const [secret] = type.mintedSecrets;
      const password = expect.stringMatching(/^[A-Za-z0-9+/]{44}$/);
      const values = [id, secret, userName, password, 'email-smtp.us-east-1.amazonaws.com'];
      expect(Object.entries(await delivered())).toEqual(
        names.map((name, index) => [name, values[index] as unknown]),
      );
    });

    it.each<[string, string, unknown]>([
      ['a name given twice', 'UserName', { AccessKeyId: 'x', UserName: 'x' }],
      ['a name that another field keeps', 'SesSmtpPassword', { AccessKeyId: 'SesSmtpPassword' }],
      ['an empty name', 'AccessKeyId', { AccessKeyId: '' }],
      ['a name of 65 characters', 'AccessKeyId', { AccessKeyId: 'x'.repeat(65) }],
      ['a name that is a number', 'AccessKeyId', { AccessKeyId: 1 }],
      ['a name that is a list', 'AccessKeyId', { AccessKeyId: ['x'] }],
      ['an unknown field', 'Password', { Password: 'x' }],
      ['a field in small letters', 'accessKeyId', { accessKeyId: 'x' }],
      ['a list', 'SecretKeys', [{ AccessKeyId: 'x' }]],
      ['a text', 'SecretKeys', '{"AccessKeyId":"x"}'],
    ])('refuses %s, naming %s, before it calls anybody', async (_, named, keys) => {
      const created = await type.cloudFormation().create(properties(keys));

      expectRefused(created, 'SecretKeys');
      expect(created.message).toContain(named);
    });

    it.each([{}, { AccessKeyId: 'username' }])('refuses %j without SecretId', async (keys) => {
      const created = await type.cloudFormation().create(properties(keys, { SecretId: undefined }));

      expectRefused(created, 'SecretId');
    });

    it.each([
      { AccessKeyId: MISPLACED, UserName: MISPLACED },
      { SecretAccessKey: MISPLACED.repeat(3) },
    ])('quotes no name that is refused: %j', async (keys) => {
      const created = await type.cloudFormation().create(properties(keys));

      expectRefused(created, 'SecretKeys');
      expect(JSON.stringify([created.events, created.logs])).not.toContain(MISPLACED);
    });

    const expectRefused = (created: Outcome, named: string) => {
      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain(named);
      expect(type.calls).toEqual([]);
    };
  });

  it('are read back from the key id alone, as the template has them', async () => {
    const SecretKeys = { SesSmtpPassword: 'password', AccessKeyId: 'username' };
    const created = await type.cloudFormation().create(properties(SecretKeys));

    const read = await type.cloudFormation().read(String(created.resourceModel?.Id));

    expect(read.resourceModel).toEqual(created.resourceModel);
    expect(read.resourceModel).toMatchObject({ SecretId: secretId, SecretKeys });
  });

  it('are read back where somebody wrote nonsense into the record', async () => {
    const created = await type.cloudFormation().create(properties({ AccessKeyId: 'username' }));
    const id = String(created.resourceModel?.Id);
    const { value } = await type.parameter(`${PREFIX}/${id}`);
    const secretKeys = { AccessKeyId: 'username', UserName: 7, SesSmtpPassword: null };
    const record = { ...(JSON.parse(value) as object), secretKeys, sesRegion: 'evil.example/' };
    await type.overwriteParameter(`${PREFIX}/${id}`, JSON.stringify(record));

    const read = await type.cloudFormation().read(id);

    expect(read.resourceModel).toEqual(created.resourceModel);
  });

  describe('in UPDATE', () => {
    const update = async (before: Properties, after: Properties) => {
      const cloudFormation = type.cloudFormation();
      const created = await cloudFormation.create(properties(undefined, before));
      const model = { ...created.resourceModel };
      const desired = { UserName: userName, SecretId: secretId, Status: 'Inactive', ...after };
      return [
        await cloudFormation.update(model, desired),
        await cloudFormation.update({ Id: model.Id }, desired),
      ];
    };

    it('come back as they were sent, their fields in any order', async () => {
      const outcomes = await update(
        {
          SecretKeys: { AccessKeyId: 'user', SesSmtpPassword: 'password' },
          SesRegion: 'eu-west-1',
        },
        {
          SecretKeys: { SesSmtpPassword: 'password', AccessKeyId: 'user' },
          SesRegion: 'eu-west-1',
        },
      );

      for (const { status, resourceModel } of outcomes) {
        expect(status).toBe('SUCCESS');
        expect(resourceModel).toMatchObject({
          Status: 'Inactive',
          SecretKeys: { AccessKeyId: 'user', SesSmtpPassword: 'password' },
          SesRegion: 'eu-west-1',
        });
      }
    });

    it.each<[string, string, Properties, Properties]>([
      [
        'another name',
        'SecretKeys cannot change without',
        { SecretKeys: { AccessKeyId: 'user' } },
        { SecretKeys: { AccessKeyId: 'username' } },
      ],
      [
        'one name more',
        'SecretKeys cannot change without',
        { SecretKeys: { AccessKeyId: 'user' } },
        { SecretKeys: { AccessKeyId: 'user', UserName: 'owner' } },
      ],
      [
        'names where there were none',
        'SecretKeys cannot change without',
        {},
        { SecretKeys: { AccessKeyId: 'user' } },
      ],
      [
        'another Region',
        'SesRegion cannot change from eu-west-1 to eu-west-2 without',
        { SesRegion: 'eu-west-1' },
        { SesRegion: 'eu-west-2' },
      ],
      [
        'a Region where there was none',
        'SesRegion cannot change from (none) to eu-west-2 without',
        {},
        { SesRegion: 'eu-west-2' },
      ],
    ])('are refused with %s', async (_, message, before, after) => {
      const outcomes = await update(before, after);

      for (const outcome of outcomes) {
        expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'NotUpdatable' });
        expect(outcome.message).toContain(message);
      }
      expect(await type.keysOf(userName)).toMatchObject([{ status: 'Active' }]);
    });
  });

  it('of an imported key are taken as they come, and say nothing', async () => {
    const Id = await type.createForeignKey(userName);
    const desired = properties({ AccessKeyId: 'user' }, { Status: 'Inactive' });

    const updated = await type.cloudFormation().update({ Id, UserName: userName }, desired);

    expect(updated).toMatchObject({ status: 'SUCCESS', resourceModel: { Status: 'Inactive' } });
    expect(updated.resourceModel).not.toHaveProperty('SecretKeys');
  });
});
