import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { randomUUID } from 'node:crypto';
import type { Properties } from '../../../local/cloudformation.ts';
import { actionOf } from '../../support/behaviours.ts';
import { ACCOUNT_ID, REGION, useLocalType } from '../../support/local-type.ts';

type Tags = Readonly<Record<string, string>>;

/** The attacker has a stack and a user in scope, and names a secret whose readers trust it. */
describe('a SecretId', () => {
  const type = useLocalType();
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  const createSecret = async (tags: Tags = {}): Promise<string> => {
    const Name = `secret-${randomUUID()}`;
    const Tags = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    await type.secretsManager.send(new CreateSecretCommand({ Name, SecretString: 'mine', Tags }));
    return Name;
  };
  const create = (SecretId: string, typeConfiguration?: Properties) =>
    type
      .cloudFormation(typeConfiguration && { typeConfiguration })
      .create({ UserName: userName, SecretId });
  const expectNothingMade = async () => {
    expect(await type.keysOf(userName)).toEqual([]);
    expect(await type.parameters()).toEqual([]);
    expect(type.mintedSecrets).toEqual([]);
    const changes = type.calls.map(actionOf).filter((action) => /:(Put|Update)/.test(action));
    expect(changes).toEqual([]);
  };

  describe('of another account or Region', () => {
    const arn = (region: string, account: string): string =>
      `arn:aws:secretsmanager:${region}:${account}:secret:team/database-a1B2c3`;

    it.each([
      ['another Region', arn('eu-west-1', ACCOUNT_ID)],
      ['another account', arn(REGION, '210987654321')],
      ['another account and Region', arn('eu-west-1', '210987654321')],
      ['no account', arn(REGION, '')],
    ])('is refused as the ARN of a secret of %s', async (_, secretId) => {
      const created = await create(secretId);

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      expect(created.message).toContain('SecretId');
      await expectNothingMade();
    });

    // A resource policy can let another account in, and Secrets Manager answers for the secret then.
    it.each([
      ['another Region', arn('eu-west-1', ACCOUNT_ID)],
      ['another account', arn(REGION, '210987654321')],
      ['an account whose number begins alike', arn(REGION, `${ACCOUNT_ID}0`)],
      ['a Region that begins alike', arn(`${REGION}-1`, ACCOUNT_ID)],
      ['no service', 'secret'],
    ])('is refused where DescribeSecret finds one of %s', async (_, found) => {
      const SecretId = await createSecret();
      type.use(async (call, next) => {
        const answer = await next(call);
        if (call.action !== 'DescribeSecret') return answer;
        const secret = JSON.parse(answer.body) as object;
        return { ...answer, body: JSON.stringify({ ...secret, ARN: found }) };
      });

      const created = await create(SecretId);

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
      await expectNothingMade();
      type.allow();
      expect(await type.secretValue(SecretId)).toBe('mine');
    });

    it('is what the own one is not, by name and by ARN', async () => {
      const { name, arn: own } = await type.createSecret('before');

      const outcomes = [await create(name), await create(own)];

      expect(outcomes.map(({ status }) => status)).toEqual(['SUCCESS', 'SUCCESS']);
    });
  });

  describe('whose secret lacks a tag of RequiredSecretTags', () => {
    const REQUIRED = {
      RequiredSecretTags: [{ Key: 'access-keys', Value: 'yes*' }, { Key: 'team' }],
    };

    it.each<[string, Tags]>([
      ['no tag', {}],
      ['one of two', { 'access-keys': 'yes' }],
      ['another value', { 'access-keys': 'no', team: 'ci' }],
      ['the value as a key', { yes: 'access-keys', team: 'ci' }],
      ['the tag in another case', { 'Access-Keys': 'yes', team: 'ci' }],
    ])('is refused: %s', async (_, tags) => {
      const SecretId = await createSecret(tags);

      const created = await create(SecretId, REQUIRED);

      expect(created).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(created.message).toContain('RequiredSecretTags');
      expect(await type.secretValue(SecretId)).toBe('mine');
      await expectNothingMade();
    });

    it('is refused for a rotation, and the old key stays', async () => {
      const SecretId = await createSecret();
      const stack = type.newStack();
      const first = await type
        .cloudFormation(stack)
        .create({ UserName: userName, SecretId, Serial: 1 });

      const second = await type
        .cloudFormation({ ...stack, typeConfiguration: REQUIRED })
        .create({ UserName: userName, SecretId, Serial: 2 });

      expect(second).toMatchObject({ status: 'FAILED', errorCode: 'AccessDenied' });
      expect(await type.keysOf(userName)).toEqual([
        { id: first.resourceModel?.Id, status: 'Active' },
      ]);
      expect(await type.secretValue(SecretId)).toContain(String(first.resourceModel?.Id));
    });

    it('is admitted with all of them', async () => {
      const SecretId = await createSecret({ 'access-keys': 'yes please', team: '', more: 'x' });

      const created = await create(SecretId, REQUIRED);

      expect(created.status).toBe('SUCCESS');
    });

    it.each([[['team']], [[{ Value: 'x' }]], [{ team: 'ci' }]])(
      'is an error of the type configuration where it is %j',
      async (RequiredSecretTags) => {
        const created = await create('secret', { RequiredSecretTags });

        expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidTypeConfiguration' });
        expect(type.calls).toEqual([]);
      },
    );
  });

  it.each([
    'a\nb',
    'a\r\nb',
    'a\u0000b',
    'a\u2028b',
    'a b',
    'secret\n',
    'a\u001b[2Kb',
    'a*b',
    '${a}',
    '{{resolve:x}}',
  ])('is refused without a call where it is %j', async (secretId) => {
    const created = await create(secretId);

    expect(created).toMatchObject({ status: 'FAILED', errorCode: 'InvalidRequest' });
    expect(type.calls).toEqual([]);
  });
});
