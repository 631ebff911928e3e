import type { Properties } from '../../../local/cloudformation.ts';
import { actionOf } from '../../support/behaviours.ts';
import { useLocalType } from '../../support/local-type.ts';
import { inRoundTrips } from '../../support/round-trips.ts';

/** What an honest stack does makes the calls that it made before there were defences. */
describe('the calls of an honest stack', () => {
  const type = useLocalType();
  let userName: string;
  let counted = 0;

  beforeEach(async () => {
    userName = await type.createUser();
    counted = 0;
  });

  /** Those since it was last asked; calls side by side come in any order. */
  const calls = (): string[] => {
    const all = type.calls.map(actionOf);
    return all.slice(counted, (counted = all.length)).sort();
  };
  const stackWith = (typeConfiguration?: Properties) =>
    type.cloudFormation(typeConfiguration && { typeConfiguration });

  const CREATE = [
    'iam:CreateAccessKey',
    'iam:ListAccessKeys',
    'iam:ListAccessKeys',
    'iam:ListAccessKeys',
    'ssm:DeleteParameter',
    'ssm:GetParameters',
    'ssm:GetParameters',
    'ssm:PutParameter',
    'ssm:PutParameter',
    'sts:GetCallerIdentity',
  ];
  const READ = ['iam:ListAccessKeys', 'iam:ListUserTags', 'ssm:GetParameters'];
  const UPDATE = [
    'iam:ListAccessKeys',
    'iam:ListAccessKeys',
    'iam:ListUserTags',
    'iam:UntagUser',
    'ssm:GetParameters',
  ];
  const DELETE = [
    'iam:DeleteAccessKey',
    'iam:ListAccessKeys',
    'iam:UntagUser',
    'ssm:DeleteParameter',
    'ssm:GetParameters',
  ];
  const with_ = (actions: readonly string[], ...more: string[]) => [...actions, ...more].sort();

  const GUARDED = {
    AllowedUserPaths: ['/*'],
    AllowedUserNames: ['*'],
    RequiredUserTags: [],
    RequiredSecretTags: [],
    RestrictSecretAccessKeyToStack: 'true',
    MaxKeysPerUser: '1',
  };

  it.each<[string, Properties | undefined, string[]]>([
    ['no guardrails', undefined, []],
    [
      'the secret for its own stack alone, and one key a user',
      {
        RestrictSecretAccessKeyToStack: 'true',
        MaxKeysPerUser: '1',
      },
      [],
    ],
    ['every guardrail', GUARDED, ['iam:GetUser']],
  ])('are the same over the life of a key with %s', async (_, typeConfiguration, guards) => {
    const stack = stackWith(typeConfiguration);
    const first = await stack.create({ UserName: userName, Serial: 1 });
    const ofCreate = calls();
    const model = { Id: first.resourceModel?.Id, UserName: userName };
    await stack.read(model);
    const ofRead = calls();
    await stack.update(model, { UserName: userName, Serial: 1 });
    const ofUpdate = calls();
    await stack.update(model, { UserName: userName, Serial: 1, Status: 'Inactive' });
    const ofDeactivation = calls();
    await stack.update(
      { ...model, Status: 'Inactive' },
      { UserName: userName, Serial: 1, Status: 'Active' },
    );
    const ofActivation = calls();
    const second = await stack.create({ UserName: userName, Serial: 2 });
    const ofRotation = calls();
    await stack.delete(model);
    const ofCleanUp = calls();

    expect([first.status, second.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(ofCreate).toEqual(with_(CREATE, ...guards));
    expect(ofRead).toEqual(READ);
    expect(ofUpdate).toEqual(UPDATE);
    expect(ofDeactivation).toEqual(with_(UPDATE, 'iam:UpdateAccessKey'));
    expect(ofActivation).toEqual(with_(UPDATE, 'iam:UpdateAccessKey', ...guards));
    expect(ofRotation).toEqual(with_(CREATE, ...guards));
    expect(ofCleanUp).toEqual(DELETE);
  });

  it('are made in seven round trips by CREATE, and in two by READ', async () => {
    const toCreate = inRoundTrips([
      ['iam:ListAccessKeys'],
      ['ssm:PutParameter'],
      ['iam:ListAccessKeys', 'ssm:GetParameters'],
      ['iam:CreateAccessKey'],
      ['ssm:PutParameter'],
      ['iam:ListAccessKeys', 'ssm:GetParameters', 'sts:GetCallerIdentity'],
      ['ssm:DeleteParameter'],
    ]);
    const toRead = inRoundTrips([
      ['ssm:GetParameters'],
      ['iam:ListAccessKeys', 'iam:ListUserTags'],
    ]);

    type.use(toCreate.behaviour);
    const created = await stackWith().create({ UserName: userName });
    type.allow();
    type.use(toRead.behaviour);
    const read = await stackWith().read(String(created.resourceModel?.Id));

    expect(toCreate.deviations()).toEqual([]);
    expect(toRead.deviations()).toEqual([]);
    expect([created.status, read.status]).toEqual(['SUCCESS', 'SUCCESS']);
  });

  it('are the same over a rotation of a key in a secret', async () => {
    const { name: SecretId } = await type.createSecret('before');
    const stack = stackWith();
    const first = await stack.create({ UserName: userName, SecretId, Serial: 1 });
    const ofCreate = calls();
    const second = await stack.create({ UserName: userName, SecretId, Serial: 2 });
    const ofRotation = calls();
    await stack.delete(String(first.resourceModel?.Id));
    const ofCleanUp = calls();
    await stack.delete(String(second.resourceModel?.Id));

    const delivery = [
      'secretsmanager:DescribeSecret',
      'secretsmanager:DescribeSecret',
      'secretsmanager:PutSecretValue',
      'secretsmanager:UpdateSecretVersionStage',
      'secretsmanager:UpdateSecretVersionStage',
    ];
    expect([first.status, second.status]).toEqual(['SUCCESS', 'SUCCESS']);
    expect(ofCreate).toEqual(with_(CREATE, ...delivery));
    expect(ofRotation).toEqual(with_(CREATE, ...delivery));
    expect(ofCleanUp).toEqual(with_(DELETE, 'secretsmanager:DescribeSecret'));
  });
});
