import { CreateUserCommand, ListUsersCommand } from '@aws-sdk/client-iam';
import { readFile } from 'node:fs/promises';
import { CloudFormation } from '../../local/cloudformation.ts';
import { startFunction, type LocalFunction } from '../../local/lambda-container.ts';
import { startMoto, type LocalAws } from '../../local/moto-server.ts';
import { startAwsProxy, type AwsProxy, type Call } from '../support/aws-proxy.ts';
import {
  everyday,
  GUARDRAILS,
  live,
  populate,
  rare,
  USERS,
  wentAsItShould,
  type Experience,
} from './life.ts';
import { Admin } from './local-aws.ts';
import { accessRequestsOf, parameterArn, secretArn, userArn, via } from './permissions.ts';
import {
  ACCOUNT_ID,
  actionsOf,
  allowedActions,
  isAllowed,
  isTrusted,
  readRole,
  REGION,
  type AccessContext,
  type AccessRequest,
  type Policy,
  type Role,
} from './roles.ts';

const FILE = 'examples/narrow-execution-role.yaml';
const PREFIX = '/partners/access-key';
const KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
const OTHER_ACCOUNT = '210987654321';
const keyArn = (id: string): string => `arn:aws:kms:${REGION}:${ACCOUNT_ID}:key/${id}`;
const PARAMETER_KEY_ARN = keyArn('parameters');
const SECRET_KEY_ARN = keyArn('secrets');
const EARLIER_KEY_ARNS = [keyArn('parameters-before'), keyArn('parameters-long-ago')];
const PARAMETERS = {
  UserPath: '/ci/',
  ParameterPrefix: PREFIX,
  SecretNamePattern: 'ci/*',
  KmsKeyArn: [PARAMETER_KEY_ARN, ...EARLIER_KEY_ARNS].join(),
  SecretKmsKeyArn: SECRET_KEY_ARN,
};

const CHANGES = ['iam:CreateAccessKey', 'iam:DeleteAccessKey', 'iam:UpdateAccessKey'];
const TAGGING = ['iam:TagUser', 'iam:UntagUser'];
const LOOKS = ['iam:GetAccessKeyLastUsed', 'iam:GetUser', 'iam:ListAccessKeys', 'iam:ListUserTags'];
const STORE = ['ssm:DeleteParameter', 'ssm:GetParameters', 'ssm:PutParameter'];
const HANDING_OVER = [
  'secretsmanager:DescribeSecret',
  'secretsmanager:PutSecretValue',
  'secretsmanager:UpdateSecretVersionStage',
];
const TAG_KEY = { 'aws:TagKeys': [KEY_ID] };

const IN_SCOPE = [userArn('/ci/', 'bot'), userArn('/ci/team/', 'bot')];
const OUT_OF_SCOPE = [
  ['a user of no path', userArn('/', 'admin')],
  ['a user who is named like the path', userArn('/', 'ci')],
  ['a user of a path that begins alike', userArn('/ci-admins/', 'bot')],
  ['a user of a path that ends alike', userArn('/admins/ci/', 'bot')],
  ['a user of another account', userArn('/ci/', 'bot', OTHER_ACCOUNT)],
] as const;
const FOREIGN_PARAMETERS = [
  ['outside the prefix', parameterArn('/database/password')],
  ['under a prefix that begins alike', parameterArn(`${PREFIX}-2/${KEY_ID}`)],
  ['under the default prefix', parameterArn(`/org/iam/access-key/${KEY_ID}`)],
  ['of another Region', parameterArn(`${PREFIX}/${KEY_ID}`, 'eu-west-1')],
  ['of another account', parameterArn(`${PREFIX}/${KEY_ID}`, REGION, OTHER_ACCOUNT)],
] as const;

const FOREIGN_SECRETS = [
  ['of another name', secretArn('database')],
  ['whose name contains the prefix', secretArn('admins/ci/credentials')],
  ['of another Region', secretArn('ci/credentials', 'eu-west-1')],
  ['of another account', secretArn('ci/credentials', REGION, OTHER_ACCOUNT)],
] as const;

describe(FILE, () => {
  let role: Role;
  let policy: Policy;

  beforeAll(async () => {
    role = await readRole(FILE, PARAMETERS);
    policy = role.permissions;
  });

  const allows = async (requests: readonly AccessRequest[]): Promise<boolean[]> => {
    const answers: boolean[] = [];
    for (const request of requests) answers.push(await isAllowed(policy, request));
    return answers;
  };
  const each = (actions: readonly string[], resource: string, context?: AccessContext) =>
    actions.map((action) => ({ action, resource, ...(context && { context }) }));

  it.each(IN_SCOPE)('tags %s with descriptions of access keys alone', async (user) => {
    const tagging = (...keys: string[]) => each(TAGGING, user, { 'aws:TagKeys': keys });

    expect(await allows(tagging(KEY_ID))).not.toContain(false);
    expect(await allows(tagging('SecurityQuarantine1'))).not.toContain(true);
    expect(await allows(tagging(KEY_ID, 'SecurityQuarantine1'))).not.toContain(true);
    expect(await allows(tagging('xAKIAIOSFODNN7EXAMPLE'))).not.toContain(true);
    expect(await allows(each(TAGGING, user))).not.toContain(true);
  });

  it.each(IN_SCOPE)('changes the keys of %s', async (user) => {
    expect(await allows(each([...CHANGES, ...LOOKS], user))).not.toContain(false);
    expect(await allows(each(TAGGING, user, TAG_KEY))).not.toContain(false);
  });

  it.each(OUT_OF_SCOPE)('does not change the keys of %s', async (_, user) => {
    expect(await allows(each(CHANGES, user))).not.toContain(true);
    expect(await allows(each(TAGGING, user, TAG_KEY))).not.toContain(true);
  });

  it.each(OUT_OF_SCOPE.slice(0, -1))('finds the keys of %s, for LIST', async (_, user) => {
    expect(await allows(each(LOOKS, user))).not.toContain(false);
  });

  it('keeps secrets under the prefix', async () => {
    const names = [`${PREFIX}/${KEY_ID}`, `${PREFIX}/pending/0123456789abcdef`];

    const answers = await allows(names.flatMap((name) => each(STORE, parameterArn(name))));

    expect(answers).not.toContain(false);
  });

  it.each(FOREIGN_PARAMETERS)('touches no parameter %s', async (_, parameter) => {
    expect(await allows(each(STORE, parameter))).not.toContain(true);
  });

  it('hands over secrets whose names the pattern allows', async () => {
    expect(await allows(each(HANDING_OVER, secretArn('ci/credentials')))).not.toContain(false);
  });

  it.each(FOREIGN_SECRETS)('touches no secret %s', async (_, secret) => {
    expect(await allows(each(HANDING_OVER, secret))).not.toContain(true);
  });

  it('uses two KMS keys, each through its service alone', async () => {
    const ofParameters = ['kms:Decrypt', 'kms:Encrypt'];
    const ofSecrets = ['kms:Decrypt', 'kms:GenerateDataKey'];

    const good = [
      ...each(ofParameters, PARAMETER_KEY_ARN, via('ssm')),
      ...each(ofSecrets, SECRET_KEY_ARN, via('secretsmanager')),
    ];
    const bad = [
      ...each(ofParameters, PARAMETER_KEY_ARN),
      ...each(ofParameters, PARAMETER_KEY_ARN, via('secretsmanager')),
      ...each(ofParameters, keyArn('other'), via('ssm')),
      ...each(ofSecrets, SECRET_KEY_ARN),
      ...each(ofSecrets, SECRET_KEY_ARN, via('ssm')),
      ...each(ofSecrets, keyArn('other'), via('secretsmanager')),
    ];

    expect(await allows(good)).not.toContain(false);
    expect(await allows(bad)).not.toContain(true);
  });

  it('reads parameters that earlier KMS keys encrypted', async () => {
    const requests = EARLIER_KEY_ARNS.flatMap((key) => each(['kms:Decrypt'], key, via('ssm')));

    expect(await allows(requests)).toEqual([true, true]);
  });

  it('has nothing of secrets and KMS keys that it was not given', async () => {
    const { permissions } = await readRole(FILE);

    const actions = [...CHANGES, ...TAGGING, ...LOOKS, 'iam:ListUsers', ...STORE];
    expect(actionsOf(permissions)).toEqual(actions.sort());
  });

  it('does nothing else, of all that IAM, STS, SSM, KMS and Secrets Manager know', async () => {
    const resources = [
      ...IN_SCOPE,
      parameterArn(`${PREFIX}/${KEY_ID}`),
      secretArn('ci/credentials'),
      PARAMETER_KEY_ARN,
      SECRET_KEY_ARN,
      '*',
    ];
    const services = ['iam', 'sts', 'ssm', 'kms', 'secretsmanager'];
    const contexts = [
      { ...via('ssm'), ...TAG_KEY },
      { ...via('secretsmanager'), ...TAG_KEY },
    ];

    const allowed = new Set<string>();
    for (const service of services) {
      for (const context of contexts) {
        const found = await allowedActions(policy, service, resources, context);
        for (const action of found) allowed.add(action);
      }
    }

    const { permissions } = await readRole('resource-role.yaml');
    const forEverybody = 'sts:GetCallerIdentity';
    expect([...allowed].sort()).toEqual([...actionsOf(permissions), forEverybody].sort());
  });

  it('has the policy that guides/narrow-policy.json shows', async () => {
    const guide = await readFile('guides/permissions.md', 'utf8');
    const shown = await readFile('guides/narrow-policy.json', 'utf8');
    const region = 'eu-west-1';
    const { permissions } = await readRole(FILE, {
      'AWS::Region': region,
      SecretNamePattern: 'ci/*',
      KmsKeyArn: `arn:aws:kms:${region}:${ACCOUNT_ID}:key/11111111-2222-3333-4444-555555555555`,
      SecretKmsKeyArn: `arn:aws:kms:${region}:${ACCOUNT_ID}:key/66666666-7777-8888-9999-000000000000`,
    });

    expect(guide).toContain('](narrow-policy.json)');
    expect(guide).toContain(`](../${FILE})`);
    expect(JSON.parse(shown)).toEqual(permissions);
  });

  describe('over the life of a key', () => {
    let aws: LocalAws;
    let proxy: AwsProxy;
    let lambda: LocalFunction;
    let admin: Admin;
    let life: Experience[];
    const owners = new Map<unknown, string>();

    beforeAll(async () => {
      aws = await startMoto();
      proxy = await startAwsProxy(aws.endpoint);
      const someone = { accessKeyId: 'ASIACALLER', secretAccessKey: 's', sessionToken: 't' };
      lambda = await startFunction({ endpoint: proxy.endpoint, region: REGION });
      admin = new Admin(aws.endpoint, someone);
      const cloudFormation = new CloudFormation({
        function: lambda,
        credentials: someone,
        region: REGION,
        accountId: ACCOUNT_ID,
        typeConfiguration: {
          ...GUARDRAILS,
          ParameterPrefix: PREFIX,
          KmsKeyId: PARAMETER_KEY_ARN,
        },
      });
      proxy.use(async (call, next) => {
        const answer = await next(call);
        const [, owner = USERS.own] = /<UserName>([^<]+)</.exec(answer.body) ?? [];
        if (call.action === 'GetAccessKeyLastUsed') owners.set(call.parameters.AccessKeyId, owner);
        return answer;
      });
      const world = { cloudFormation, proxy, admin, userPath: '/ci/' };
      await admin.iam.send(new CreateUserCommand({ UserName: 'root-of-all', Path: '/admins/' }));
      await populate(world);
      life = await live(world, [...everyday(world), ...rare(world)]);
    });
    afterAll(async () => {
      admin.destroy();
      await lambda.stop();
      await proxy.stop();
      await aws.stop();
    });

    const requestsOf = async (inPath: (path: string) => string): Promise<AccessRequest[]> => {
      const { Users = [] } = await admin.iam.send(new ListUsersCommand({}));
      const paths = new Map(Users.map(({ UserName, Path = '/' }) => [UserName, inPath(Path)]));
      const places = {
        ownerOf: (accessKeyId: string) => owners.get(accessKeyId) ?? USERS.own,
        pathOf: (userName: string) => paths.get(userName) ?? '/',
        parameterKeyArn: PARAMETER_KEY_ARN,
        secretKeyArn: SECRET_KEY_ARN,
      };
      const calls: Call[] = life.flatMap((experience) => [...experience.calls]);
      return distinct(calls.flatMap((call) => accessRequestsOf(call, places)));
    };

    it('allows each call, on the very resources that it is about', async () => {
      const requests = await requestsOf((path) => path);

      const answers = await allows(requests);

      expect(life.every(wentAsItShould)).toBe(true);
      expect([...new Set(requests.map(({ action }) => action))].sort()).toEqual([
        ...new Set(actionsOf(policy)),
      ]);
      expect(requests.filter((_, index) => !answers[index])).toEqual([]);
    });

    it('denies each change of a key, were the users elsewhere', async () => {
      const requests = (await requestsOf(() => '/elsewhere/')).filter(({ action }) =>
        [...CHANGES, ...TAGGING].includes(action),
      );

      expect(new Set(requests.map(({ action }) => action))).toEqual(
        new Set([...CHANGES, ...TAGGING]),
      );
      expect(await allows(requests)).not.toContain(true);
    });
  });
});

describe.each(['resource-role.yaml', FILE])('trust of %s', (file) => {
  const CLOUDFORMATION = 'resources.cloudformation.amazonaws.com';
  const typeArn = (name: string, accountId = ACCOUNT_ID): string =>
    `arn:aws:cloudformation:${REGION}:${accountId}:type/resource/${name}/00000001`;
  const ours = {
    'aws:SourceAccount': ACCOUNT_ID,
    'aws:SourceArn': typeArn('Org-IAM-AccessKey'),
  };

  it('is given to CloudFormation for this type in this account', async () => {
    const { trust } = await readRole(file);

    expect(await isTrusted(trust, CLOUDFORMATION, ours)).toBe(true);
  });

  it.each([
    ['another service', 'lambda.amazonaws.com', ours],
    ['another account', CLOUDFORMATION, { ...ours, 'aws:SourceAccount': OTHER_ACCOUNT }],
    [
      'a type of another account',
      CLOUDFORMATION,
      { ...ours, 'aws:SourceArn': typeArn('Org-IAM-AccessKey', OTHER_ACCOUNT) },
    ],
    ['another type', CLOUDFORMATION, { ...ours, 'aws:SourceArn': typeArn('Org-IAM-AccessKey2') }],
    ['nobody in particular', CLOUDFORMATION, {}],
  ] as const)('is not given to %s', async (_, principal, context) => {
    const { trust } = await readRole(file);

    expect(await isTrusted(trust, principal, context)).toBe(false);
  });
});

function distinct(requests: readonly AccessRequest[]): AccessRequest[] {
  const unique = new Map(requests.map((request) => [JSON.stringify(request), request]));
  return [...unique.values()];
}
