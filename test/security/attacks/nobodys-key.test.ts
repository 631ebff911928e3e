import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { readFile } from 'node:fs/promises';
import type { CloudFormation, Outcome } from '../../../local/cloudformation.ts';
import { refuse, type Behaviour } from '../../support/aws-proxy.ts';
import { actionOf, deny } from '../../support/behaviours.ts';
import { PREFIX, useLocalType } from '../../support/local-type.ts';
import { useAttacker } from './attacker.ts';

const ODD_IDS = [
  'DatabasePassword1',
  'SecurityQuarantine1',
  'x'.repeat(20),
  'akiaiosfodnn7example',
  'AKIAiosfodnn7example',
  'AKIAIOSFODNN7EXAMPL_',
  'xAKIAIOSFODNN7EXAMPLE',
  'ASIAIOSFODNN7EXAMPLE',
  'AIDAIOSFODNN7EXAMPLE',
  'AKIA',
  'AKIAIOSFODNN7EX',
  `AKIA${'A'.repeat(125)}`,
  'AKIAIOSFODNN7EXAMPLE\n',
  ' AKIAIOSFODNN7EXAMPLE',
  'AKIAIOSFODNN7EXAMPLE/../AKIAIOSFODNN7EXAMPLF',
  'pending/0123456789abcdef',
  '../../DatabasePassword1',
  'AKIAIOSFODNN7EXÄMPLE',
  'AKIAIOSFODNN7EXAMPLE:1',
  '',
  '__proto__',
];
const OTHER_VALUES = [7, true, null, ['AKIAIOSFODNN7EXAMPLE'], { Id: 'AKIAIOSFODNN7EXAMPLE' }];

/** The attacker names a tag, a parameter or a version as a key is named, or a key as these are. */
describe("what is nobody's key", () => {
  const type = useLocalType();
  const attacker = useAttacker(type);
  let userName: string;

  beforeEach(async () => {
    userName = await type.createUser();
  });

  const operations: [string, (stack: CloudFormation, id: unknown) => Promise<Outcome>][] = [
    ['READ', (stack, id) => stack.read({ Id: id, UserName: userName })],
    [
      'UPDATE',
      (stack, id) =>
        stack.update({ Id: id, UserName: userName }, { UserName: userName, Description: 'mine' }),
    ],
    ['DELETE', (stack, id) => stack.delete({ Id: id, UserName: userName })],
  ];

  describe.each(operations)('%s', (_, operate) => {
    it('finds no key by an id of another shape, and touches nothing of that name', async () => {
      const tags = ODD_IDS.filter((id) => /^[\w.:/=+-]{1,128}$/.test(id));
      for (const tag of tags) await type.tag(userName, { [tag]: 'stays' });
      const names = ODD_IDS.filter((id) => /^[\w.-]+(\/\w+)?$/.test(id));
      for (const name of names) await attacker.plant(name, 'hunter2');
      const before = [await type.tagsOf(userName), await type.parameters()];
      const first = type.calls.length;

      for (const id of [...ODD_IDS, ...OTHER_VALUES]) {
        const outcome = await operate(type.cloudFormation(), id);
        expect({ id, ...outcome }).toMatchObject({ id, status: 'FAILED', errorCode: 'NotFound' });
        expect(outcome.message).not.toContain('hunter2');
      }

      expect(type.calls.slice(first)).toEqual([]);
      expect([await type.tagsOf(userName), await type.parameters()]).toEqual(before);
      expect(tags).toContain('SecurityQuarantine1');
      expect(names).toContain('DatabasePassword1');
    });
  });

  it('an UPDATE describes no key that the user does not have, and hands out no parameter', async () => {
    const id = 'AKIAIOSFODNN7EXAMPLE';
    await attacker.plant(id, {
      secretAccessKey: 'x'.repeat(40),
      userName,
      clientRequestToken: 'x',
    });

    for (const [, operate] of operations.slice(0, 2)) {
      const outcome = await operate(type.cloudFormation(), id);
      expect(outcome).toMatchObject({ status: 'FAILED', errorCode: 'NotFound' });
    }

    expect(await type.tagsOf(userName)).toEqual({});
  });

  describe('in a secret', () => {
    /** IAM takes no such id for one: a call with it is an error of its own. */
    const refuseOddIds: Behaviour = (call, next) => {
      const { AccessKeyId } = call.parameters as Readonly<Record<string, string | undefined>>;
      return call.service !== 'iam' || AccessKeyId === undefined || /^\w{16,128}$/.test(AccessKeyId)
        ? next(call)
        : refuse(call, 400, 'ValidationError', 'The AccessKeyId does not have the shape of one');
    };

    it.each([
      'org-iam-access-key-no.such.key.id!',
      'org-iam-access-key-AKIA123456789',
      'org-iam-access-key-DatabasePassword1',
      'org-iam-access-key-AKIA-123-456-789-01',
      'org-iam-access-key-akiaiosfodnn7example',
      '00000000-0000-0000-0000-000000000000',
    ])('does not hinder the deletion of the key after it: %s', async (ClientRequestToken) => {
      const { name: SecretId } = await type.createSecret('before');
      await type.secretsManager.send(
        new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString: 'planted' }),
      );
      const created = await type.cloudFormation().create({ UserName: userName, SecretId });
      type.use(refuseOddIds);

      const deleted = await type.cloudFormation().delete(String(created.resourceModel?.Id));

      expect([created.status, deleted.status]).toEqual(['SUCCESS', 'SUCCESS']);
      expect(await type.keysOf(userName)).toEqual([]);
      expect(await type.parameters()).toEqual([]);
      // Whoever reads the secret gets what somebody else put there before.
      expect(await type.secretValue(SecretId)).toBe('planted');
    });
  });

  describe('a secret that a record names', () => {
    it.each(['it is denied', 'it is not there'])(
      'does not hinder the deletion where %s',
      async (how) => {
        const created = await type.cloudFormation().create({ UserName: userName });
        const id = String(created.resourceModel?.Id);
        const record = { userName, clientRequestToken: 'x', secretId: 'secret-of-others' };
        await attacker.plant(id, record);
        if (how === 'it is denied') type.use(deny('secretsmanager:DescribeSecret'));

        const deleted = await type.cloudFormation().delete(id);

        expect(deleted.status).toBe('SUCCESS');
        expect(await type.keysOf(userName)).toEqual([]);
        expect(await type.parameters()).toEqual([]);
      },
    );

    it('and that has no version of the key, stays as it is', async () => {
      const { name } = await type.createSecret('of others');
      const before = await type.stagesOf(name);
      const created = await type.cloudFormation().create({ UserName: userName });
      const id = String(created.resourceModel?.Id);
      await attacker.plant(id, { userName, clientRequestToken: 'x', secretId: name });

      const deleted = await type.cloudFormation().delete(id);

      expect(deleted.status).toBe('SUCCESS');
      expect(await type.stagesOf(name)).toEqual(before);
      expect(type.calls.map(actionOf)).not.toContain('secretsmanager:UpdateSecretVersionStage');
    });
  });

  it.each(['examples/narrow-execution-role.yaml', 'registration/template.yml'])(
    'can be tagged and untagged by no role of %s',
    async (file) => {
      const text = await readFile(file, 'utf8');

      const statement = /- Sid: DescribeKeys[\s\S]*?(?=- Sid:|- !If)/.exec(text)?.[0] ?? text;
      expect(statement).toMatch(/iam:TagUser/);
      expect(statement).toMatch(/iam:UntagUser/);
      expect(statement).toMatch(/aws:TagKeys: AKIA\*/);
    },
  );

  it('is not what the type writes below the prefix', async () => {
    const created = await type.cloudFormation().create({ UserName: userName });

    expect(await type.parameters()).toEqual([`${PREFIX}/${String(created.resourceModel?.Id)}`]);
  });
});
