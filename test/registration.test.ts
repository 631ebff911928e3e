import { CloudWatchLogsClient, DescribeLogGroupsCommand } from '@aws-sdk/client-cloudwatch-logs';
import {
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolesCommand,
} from '@aws-sdk/client-iam';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { compileFunction } from 'node:vm';
import { startMoto, type LocalAws } from '../local/moto-server.ts';
import { letsThrough, type Policy as SimulatedPolicy } from './security/roles.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
  Parameters: Record<string, { Default?: string | number }>;
  Outputs: Record<string, unknown>;
}

interface Stack {
  status: string | undefined;
  outputs: Record<string, string>;
}

interface Policy {
  Statement: {
    Sid: string;
    Action: string | string[];
    Resource: string | string[];
    Condition?: unknown;
  }[];
}

const run = promisify(execFile);
const python = path.resolve('.venv/bin/python');
const TEMPLATE = 'registration/template.yml';
const PACKAGE = 's3://packages/org-iam-accesskey/1.zip';
const KMS_KEY = 'arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555';
const OLD_KMS_KEY = KMS_KEY.replace(/\/.*/, '/00000000-1111-2222-3333-444444444444');
const SECRET_KMS_KEY = KMS_KEY.replace(/\/.*/, '/66666666-7777-8888-9999-000000000000');
const LOCAL = {
  region: 'eu-west-1',
  credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'local' },
};

let aws: LocalAws;
let template: Template;

beforeAll(async () => {
  aws = await startMoto();
  const { stdout } = await run('.venv/bin/cfn-flip', ['--json', TEMPLATE]);
  template = JSON.parse(stdout) as Template;
});
beforeEach(() => aws.reset());
afterAll(() => aws.stop());

describe('registration template', () => {
  it('has no fault', async () => {
    const args = ['--append-rules=examples/cfn-lint', '--registry-schemas=schema', '--', TEMPLATE];
    // Faults make it fail, and stand in the error's message.
    await expect(run('.venv/bin/cfn-lint', args)).resolves.toEqual({ stdout: '', stderr: '' });
  });

  it('grants what the schema asks for, no more and no less', () => {
    const { Policies } = resource('ExecutionRole').Properties;
    const permissions = Object.values(schema.handlers).flatMap((handler) => handler.permissions);

    expect(new Set(valuesOf(Policies, 'Action'))).toEqual(new Set(permissions));
  });

  it('has the parameters that its README names, with their defaults', async () => {
    const readme = await readFile('registration/README.md', 'utf8');
    const documented = [...readme.matchAll(/^\| `(\w+)` +\| (\S+) +\|/gm)].map(
      ([, name, value = '']) => [name, value.replaceAll('`', '')],
    );

    expect(documented).toEqual(
      Object.entries(template.Parameters).map(([name, { Default }]) => [
        name,
        Default === undefined ? 'required' : String(Default) || 'none',
      ]),
    );
  });

  it('takes the parameters that registration/parameters.json has for an organization', async () => {
    const given = JSON.parse(await readFile('registration/parameters.json', 'utf8')) as {
      ParameterKey: string;
      ParameterValue: string;
    }[];

    const names = given.map(({ ParameterKey }) => ParameterKey);
    const required = Object.entries(template.Parameters)
      .filter(([, { Default }]) => Default === undefined)
      .map(([name]) => name);
    expect(names).toEqual(expect.arrayContaining(required));
    expect(Object.keys(template.Parameters)).toEqual(expect.arrayContaining(names));
    expect(JSON.parse(given.at(-1)?.ParameterValue ?? '')).toEqual({ AllowedUserPaths: ['/ci/*'] });
  });

  it('deploys as it is, and gives out what others need of it', async () => {
    const { status, outputs } = await deploy({});

    expect(status).toBe('CREATE_COMPLETE');
    expect(outputs).toMatchObject({
      ExecutionRoleArn: expect.stringMatching(
        /^arn:aws:iam::123456789012:role\/type-ExecutionRole-/,
      ),
      LogGroupName: expect.stringMatching(/^type-LogGroup-/),
    });
    expect(Object.keys(template.Outputs)).toContain('TypeVersionArn');
  });

  it('by default narrows to the prefix, and grants neither KMS nor Secrets Manager', async () => {
    await deploy({});

    const policy = await executionPolicy();
    expect(resourcesOf(policy, 'ChangeKeysInScope')).toBe('arn:aws:iam::123456789012:user/*');
    expect(resourcesOf(policy, 'KeepSecrets')).toBe(
      'arn:aws:ssm:eu-west-1:123456789012:parameter/org/iam/access-key/*',
    );
    expect(policy.Statement.map(({ Sid }) => Sid)).toEqual([
      'FindKeys',
      'ChangeKeysInScope',
      'DescribeKeysInScope',
      'KeepSecrets',
    ]);
  });

  it('narrows to the path, the prefix, the keys and the secrets of its parameters', async () => {
    await deploy({
      UserPath: '/ci/',
      ParameterPrefix: '/keys',
      KmsKeyArn: `${KMS_KEY},${OLD_KMS_KEY}`,
      SecretNamePattern: 'ci/*',
      SecretKmsKeyArn: SECRET_KMS_KEY,
    });

    const { Statement } = await executionPolicy();
    expect(Statement.slice(1)).toMatchObject([
      { Sid: 'ChangeKeysInScope', Resource: 'arn:aws:iam::123456789012:user/ci/*' },
      { Sid: 'DescribeKeysInScope', Resource: 'arn:aws:iam::123456789012:user/ci/*' },
      { Sid: 'KeepSecrets', Resource: 'arn:aws:ssm:eu-west-1:123456789012:parameter/keys/*' },
      { Sid: 'EncryptParameters', Resource: [KMS_KEY, OLD_KMS_KEY], Condition: via('ssm') },
      {
        Sid: 'DeliverSecrets',
        Resource: 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/*',
      },
      { Sid: 'EncryptSecrets', Resource: [SECRET_KMS_KEY], Condition: via('secretsmanager') },
    ]);
  });

  it('leaves at * only what reads', async () => {
    await deploy({ SecretNamePattern: 'ci/*' });

    const { Statement } = await executionPolicy();
    const unrestricted = Statement.filter(({ Resource }) => Resource === '*');
    const actions = unrestricted.flatMap(({ Action }) => Action);
    expect(actions).toContain('iam:ListUsers');
    expect(actions.filter((action) => !/^iam:(Get|List)/.test(action))).toEqual([]);
  });

  it('lets CloudFormation use the role for this type, account and Region only', async () => {
    await deploy({});

    const [role] = await rolesLike('ExecutionRole');
    const { Role } = await iam().send(new GetRoleCommand({ RoleName: role }));
    expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ''))).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'resources.cloudformation.amazonaws.com' },
          Condition: {
            StringEquals: { 'aws:SourceAccount': '123456789012' },
            StringLike: {
              'aws:SourceArn':
                'arn:aws:cloudformation:eu-west-1:123456789012:type/resource/Org-IAM-AccessKey/*',
            },
          },
        },
      ],
    });
  });

  it('keeps logs for as long as it is told, or has none', async () => {
    await deploy({ LogRetentionInDays: '30' });
    expect(await logGroupsOfHandlers()).toMatchObject([{ retentionInDays: 30 }]);
    expect(await rolesLike('LogRole')).toHaveLength(1);

    await aws.reset();
    await deploy({ Logging: 'false' });
    expect(await logGroupsOfHandlers()).toEqual([]);
    expect(await rolesLike('LogRole')).toEqual([]);
  });

  it('gives the function its values, and the right to read and set type configurations', async () => {
    await deploy({
      TypeConfiguration: '{"MaxKeysPerUser":1}',
      ParameterPrefix: '/keys',
      KmsKeyArn: `${KMS_KEY},${OLD_KMS_KEY}`,
    });

    const stacks = await cloudFormationCall('DescribeStacks', { StackName: 'type' });
    expect(await environmentOfFunction()).toEqual({
      STACK_ID: /<StackId>([^<]+)</.exec(stacks)?.[1],
      LOGICAL_ID: 'TypeConfigurationSetting',
      TYPE_CONFIGURATION: '{"MaxKeysPerUser":1}',
      PARAMETER_PREFIX: '/keys',
      KMS_KEY_ARNS: `${KMS_KEY},${OLD_KMS_KEY}`,
    });
    expect(resource('TypeConfigurationSetting').Type).toBe('Custom::TypeConfiguration');
    const [role] = await rolesLike('TypeConfigurationRole');
    const { Statement } = await policyOf(role, 'SetTypeConfiguration');
    expect(Statement.flatMap(({ Action }) => Action)).toEqual([
      'cloudformation:BatchDescribeTypeConfigurations',
      'cloudformation:SetTypeConfiguration',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
    ]);
  });

  it('has the function in every stack, so that clearing a parameter reaches it', async () => {
    await deploy({});

    expect(await environmentOfFunction()).toMatchObject({
      TYPE_CONFIGURATION: '',
      PARAMETER_PREFIX: '/org/iam/access-key',
      KMS_KEY_ARNS: '',
    });
    expect(template.Resources.TypeConfigurationSetting).not.toHaveProperty('Condition');
  });
});

describe('type configuration function', () => {
  const STACK_ID = 'arn:aws:cloudformation:eu-west-1:123456789012:stack/type/1';
  const environment = {
    STACK_ID,
    LOGICAL_ID: 'TypeConfigurationSetting',
    TYPE_CONFIGURATION: '',
    PARAMETER_PREFIX: '/org/iam/access-key',
    KMS_KEY_ARNS: '',
  };
  const event = {
    RequestType: 'Update',
    StackId: STACK_ID,
    RequestId: 'request',
    LogicalResourceId: 'TypeConfigurationSetting',
    // Whoever invokes the function writes them.
    ResourceProperties: {
      TypeConfiguration: '{}',
      ParameterPrefix: '/elsewhere',
      KmsKeyArn: [SECRET_KMS_KEY],
    },
  };
  const withGuardrails = { ...environment, TYPE_CONFIGURATION: '{"MaxKeysPerUser":1}' };

  /** Stands in for the registry; what it holds is a type configuration as JSON. */
  interface Registry {
    configuration?: string;
    calls: { command: string; input: unknown }[];
    read: () => Promise<unknown>;
    refuse?: Error;
  }
  let registry: Registry;
  let cloudFormation: Server;
  let answers: { headers: IncomingHttpHeaders; body: unknown }[];

  beforeAll(async () => {
    cloudFormation = createServer((request, response) => {
      void text(request).then((body) => {
        answers.push({ headers: request.headers, body: JSON.parse(body) });
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(cloudFormation, 'listening');
  });
  beforeEach(() => {
    answers = [];
    registry = {
      calls: [],
      read: () =>
        Promise.resolve({ TypeConfigurations: [{ Configuration: registry.configuration }] }),
    };
  });
  afterAll(() => cloudFormation.close());

  it('sets what it is given, and answers with a body that has no content type', async () => {
    await invoke({ RequestType: 'Create' }, withGuardrails);

    expect(configuration()).toEqual({ ParameterPrefix: '/org/iam/access-key', MaxKeysPerUser: 1 });
    expect(answers).toEqual([
      {
        headers: expect.not.objectContaining({ 'content-type': expect.anything() }),
        body: {
          Status: 'SUCCESS',
          PhysicalResourceId: 'type-configuration',
          StackId: STACK_ID,
          RequestId: 'request',
          LogicalResourceId: 'TypeConfigurationSetting',
        },
      },
    ]);
  });

  it.each([
    ['another stack', { StackId: STACK_ID.replace('/type/', '/attack/') }],
    ['another resource of its stack', { LogicalResourceId: 'Another' }],
    ['nobody in particular', { StackId: undefined, LogicalResourceId: undefined }],
  ])('does nothing for %s, which can name it as its ServiceToken', async (_, others) => {
    for (const RequestType of ['Create', 'Update', 'Delete']) {
      await invoke({ ...others, RequestType }, withGuardrails);
    }

    expect(registry.calls).toEqual([]);
    const Reason = expect.stringContaining(
      'serves TypeConfigurationSetting of the stack',
    ) as string;
    const refusal = { body: { Status: 'FAILED', Reason } };
    expect(answers).toMatchObject([refusal, refusal, refusal]);
  });

  it('makes inputs as the API takes them', async () => {
    await invoke({}, environment);

    const check = `
import json, sys
from botocore.session import get_session
from botocore.validate import ParamValidator
service = get_session().get_service_model("cloudformation")
for call in json.loads(sys.argv[1]):
    shape = service.operation_model(call["command"]).input_shape
    print(call["command"], ParamValidator().validate(call["input"], shape).generate_report())`;
    const { stdout } = await run(python, ['-c', check, JSON.stringify(registry.calls)]);
    expect(stdout).toBe('BatchDescribeTypeConfigurations \nSetTypeConfiguration \n');
    expect(registry.calls).toMatchObject([
      { input: { TypeConfigurationIdentifiers: [{ TypeName: schema.typeName }] } },
      { input: { TypeName: schema.typeName } },
    ]);
  });

  it('adds the prefix and the first KMS key of those that the role is narrowed to', async () => {
    const narrowed = { ...environment, PARAMETER_PREFIX: '/keys' };
    await invoke({}, { ...narrowed, KMS_KEY_ARNS: `${KMS_KEY},${OLD_KMS_KEY}` });

    expect(configuration()).toEqual({ ParameterPrefix: '/keys', KmsKeyId: KMS_KEY });
  });

  it('takes any KMS key that the role can use', async () => {
    await invoke(
      {},
      {
        ...environment,
        KMS_KEY_ARNS: `${KMS_KEY},${OLD_KMS_KEY}`,
        TYPE_CONFIGURATION: JSON.stringify({ KmsKeyId: OLD_KMS_KEY }),
      },
    );

    expect(configuration()).toMatchObject({ KmsKeyId: OLD_KMS_KEY });
  });

  it('leaves no KMS key and no prefix that the role lost, and all guardrails', async () => {
    registry.configuration = JSON.stringify({
      ParameterPrefix: '/keys',
      KmsKeyId: KMS_KEY,
      MaxKeysPerUser: 1,
      AllowedUserPaths: ['/ci/*'],
    });

    await invoke({}, environment);

    expect(configuration()).toEqual({
      ParameterPrefix: '/org/iam/access-key',
      MaxKeysPerUser: 1,
      AllowedUserPaths: ['/ci/*'],
    });
  });

  it.each([
    ['has none', () => Promise.resolve({ TypeConfigurations: [{ Alias: 'default' }] })],
    ['lists none', () => Promise.resolve({})],
    ['knows none', () => Promise.reject(named('TypeConfigurationNotFoundException'))],
    [
      'says so in its answer',
      () => Promise.resolve({ Errors: [{ ErrorCode: '404', ErrorMessage: 'not found' }] }),
    ],
  ])('begins with an empty configuration where the registry %s', async (_, read) => {
    registry.read = read;

    await invoke({ RequestType: 'Create' }, environment);

    expect(configuration()).toEqual({ ParameterPrefix: '/org/iam/access-key' });
  });

  it.each([
    ['denies it', () => Promise.reject(new Error('you may not'))],
    ['is at fault', () => Promise.resolve({ Errors: [{ ErrorCode: '500', ErrorMessage: 'no' }] })],
    ['has no time', () => Promise.resolve({ UnprocessedTypeConfigurations: [{}] })],
  ])('sets nothing where the registry %s: guardrails could be there', async (_, read) => {
    registry.read = read;

    await invoke({}, environment);

    expect(configuration()).toBeUndefined();
    expect(answers).toMatchObject([{ body: { Status: 'FAILED' } }]);
  });

  it.each([
    [
      'another prefix than the role has',
      { TYPE_CONFIGURATION: '{"ParameterPrefix":"/keys"}' },
      /ParameterPrefix is \/keys/,
    ],
    [
      'a KMS key where the role has none',
      { TYPE_CONFIGURATION: `{"KmsKeyId":"${KMS_KEY}"}` },
      /no ARN in the parameter KmsKeyArn/,
    ],
    [
      'a KMS key that the role lacks',
      { TYPE_CONFIGURATION: `{"KmsKeyId":"${OLD_KMS_KEY}"}`, KMS_KEY_ARNS: KMS_KEY },
      /no ARN in the parameter KmsKeyArn/,
    ],
    [
      'an alias, which can come to mean another key',
      { TYPE_CONFIGURATION: '{"KmsKeyId":"alias/keys"}', KMS_KEY_ARNS: KMS_KEY },
      /alias\/keys, is no ARN/,
    ],
    ['no JSON', { TYPE_CONFIGURATION: '{MaxKeysPerUser: 1}' }, /JSON/],
  ])('refuses %s', async (_, variables, reason) => {
    await invoke({}, { ...environment, ...variables });

    expect(registry.calls).toEqual([]);
    expect(answers).toMatchObject([
      { body: { Status: 'FAILED', Reason: expect.stringMatching(reason) } },
    ]);
  });

  it("hands on CloudFormation's own refusal", async () => {
    registry.refuse = new Error('MaxKeysPerUser is no number');

    await invoke({}, withGuardrails);

    const Reason = 'setting the type configuration: MaxKeysPerUser is no number';
    expect(answers).toMatchObject([{ body: { Status: 'FAILED', Reason } }]);
  });

  it('leaves the configuration alone when it is deleted: it holds the guardrails', async () => {
    await invoke({ RequestType: 'Delete' }, withGuardrails);

    expect(registry.calls).toEqual([]);
    expect(answers).toMatchObject([{ body: { Status: 'SUCCESS' } }]);
  });

  async function invoke(
    others: Partial<Record<keyof typeof event, string | undefined>>,
    env: typeof environment,
  ): Promise<void> {
    const { Code, Handler } = resource('TypeConfigurationFunction').Properties;
    const command = (name: string) =>
      class {
        readonly command = name;
        constructor(readonly input: { Configuration?: string }) {}
      };
    const sdk = {
      BatchDescribeTypeConfigurationsCommand: command('BatchDescribeTypeConfigurations'),
      SetTypeConfigurationCommand: command('SetTypeConfiguration'),
      CloudFormationClient: class {
        async send(sent: { command: string; input: { Configuration?: string } }): Promise<unknown> {
          registry.calls.push({ command: sent.command, input: sent.input });
          if (sent.command === 'BatchDescribeTypeConfigurations') return registry.read();
          if (registry.refuse) throw registry.refuse;
          registry.configuration = sent.input.Configuration ?? '';
          return {};
        }
      },
    };
    const exports: { handler?: (event: unknown) => Promise<void> } = {};
    const code = compileFunction((Code as { ZipFile: string }).ZipFile, [
      'exports',
      'require',
      'process',
    ]);
    Reflect.apply(code, undefined, [
      exports,
      (name: string) => (name === '@aws-sdk/client-cloudformation' ? sdk : undefined),
      { env },
    ]);

    const { port } = cloudFormation.address() as AddressInfo;
    expect(Handler).toBe('index.handler');
    await exports.handler?.({ ...event, ...others, ResponseURL: `http://127.0.0.1:${port}/` });
  }

  function configuration(): unknown {
    return registry.configuration && JSON.parse(registry.configuration);
  }

  function named(name: string): Error {
    return Object.assign(new Error(name), { name });
  }
});

describe('publish', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'publish-'));
    await symlink(path.resolve('registration'), path.join(folder, 'registration'));
    await s3('PUT', 'packages');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('uploads package and template, and prints how to register them', async () => {
    await pack({ 'schema.json': '{}' });

    const { stdout } = await publish('packages');

    const [key = '', templateKey = ''] = await keysIn('packages');
    expect(key).toMatch(/^org-iam-accesskey\/[0-9a-f]{32}\.zip$/);
    expect(templateKey).toMatch(/^org-iam-accesskey\/template-[0-9a-f]{32}\.yml$/);
    expect(stdout).toContain(
      `ParameterKey=SchemaHandlerPackage,ParameterValue=s3://packages/${key} `,
    );
    expect(stdout).toMatch(/^make register .* BUCKET=packages$/m);
    expect(stdout).toContain(`--template-url ${aws.endpoint}/packages/${templateKey} `);
    expect(await s3('GET', `packages/${templateKey}`)).toContain('Org::IAM::AccessKey');
  });

  it('uploads the same content once, whenever it was packed', async () => {
    await pack({ 'schema.json': '{}' }, new Date('2026-01-01'));
    await publish('packages');
    const published = await keysIn('packages');

    await pack({ 'schema.json': '{}' }, new Date('2026-02-02'));
    const { stdout } = await publish('packages');

    expect(stdout).toMatch(/^s3:\/\/packages\/\S+\.zip is there already$/m);
    expect(await keysIn('packages')).toEqual(published);
  });

  it.each([
    ['package', /\.zip$/],
    ['template', /\.yml$/],
  ])('fails where something else lies under the key of the %s', async (_, name) => {
    await pack({ 'handlers.js': 'ours' });
    await publish('packages');
    const key = (await keysIn('packages')).find((found) => name.test(found)) ?? '';
    await s3('PUT', `packages/${key}`, 'planted');

    await expect(publish('packages')).rejects.toMatchObject({
      stdout: expect.not.stringContaining('make register'),
      stderr: expect.stringContaining(`publishing: s3://packages/${key} is not what this project`),
    });
    expect(await s3('GET', `packages/${key}`)).toBe('planted');
  });

  it('uploads the files that were packed', async () => {
    await pack({ 'schema.json': '{}', 'handlers.js': 'ours' });

    await publish('packages');

    const [key = ''] = await keysIn('packages');
    const headers = { authorization: authorization('s3', 'us-east-1') };
    const answer = await fetch(`${aws.endpoint}/packages/${key}`, { headers });
    const archive = path.join(folder, 'published.zip');
    await writeFile(archive, Buffer.from(await answer.arrayBuffer()));
    await run(python, ['-m', 'zipfile', '--extract', archive, folder]);
    await run(python, ['-m', 'zipfile', '--extract', 'ResourceProvider.zip', '.'], { cwd: folder });
    expect(await readFile(path.join(folder, 'schema.json'), 'utf8')).toBe('{}');
    expect(await readFile(path.join(folder, 'handlers.js'), 'utf8')).toBe('ours');
  });

  it('gives other content another key, also deep in the package', async () => {
    await pack({ 'schema.json': '{}' });
    await publish('packages', '--prefix', '');
    await pack({ 'schema.json': '{}', 'changed.js': '' });
    await publish('packages', '--prefix', '');

    const packages = (await keysIn('packages')).filter((key) => /^[0-9a-f]{32}\.zip$/.test(key));
    expect(packages).toHaveLength(2);
  });

  it('keeps anybody from writing over what is published, or deleting it', async () => {
    const policy = await readFile('registration/bucket-policy.json', 'utf8');
    const isLet = (action: string, key: string, context = {}): Promise<boolean> =>
      letsThrough(JSON.parse(policy.replaceAll('BUCKET', 'my-artifacts')) as SimulatedPolicy, {
        action,
        resource: `arn:aws:s3:::my-artifacts/${key}`,
        context,
      });
    const ours = 'org-iam-accesskey/1.zip';

    expect(await isLet('s3:PutObject', ours, { 's3:if-none-match': '*' })).toBe(true);
    expect(await isLet('s3:GetObject', ours)).toBe(true);
    expect(await isLet('s3:PutObject', ours)).toBe(false);
    expect(await isLet('s3:DeleteObject', ours)).toBe(false);
    expect(await isLet('s3:DeleteObjectVersion', ours)).toBe(false);
    expect(await isLet('s3:PutObject', 'others/1.zip')).toBe(true);
  });

  it('says what is wrong in one line', async () => {
    await expect(publish('packages')).rejects.toMatchObject({
      stderr: expect.stringMatching(/^publishing: .*org-iam-accesskey\.zip'\n$/),
    });
    await pack({ 'schema.json': '{}' });
    await expect(publish('no-such-bucket')).rejects.toMatchObject({
      stderr: expect.stringMatching(/^publishing: .*\n$/),
    });
  });

  /** Packs as the CloudFormation CLI does: the function is an archive in the archive. */
  async function pack(files: Record<string, string>, time = new Date()): Promise<void> {
    const build = await mkdtemp(path.join(folder, 'build-'));
    for (const [name, content] of Object.entries(files)) {
      await writeFile(path.join(build, name), content);
    }
    const zip = async (archive: string, ...names: string[]): Promise<void> => {
      for (const name of names) await utimes(path.join(build, name), time, time);
      await run(python, ['-m', 'zipfile', '--create', archive, ...names], { cwd: build });
    };
    await zip('ResourceProvider.zip', ...Object.keys(files));
    await zip(path.join(folder, 'org-iam-accesskey.zip'), 'ResourceProvider.zip');
  }

  function publish(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const environment = {
      PATH: process.env.PATH,
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_ACCESS_KEY_ID: LOCAL.credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: LOCAL.credentials.secretAccessKey,
    };
    return run(python, [path.resolve('tools/publish.py'), ...args], {
      cwd: folder,
      env: environment,
    });
  }

  async function s3(method: string, target: string, body = ''): Promise<string> {
    const headers = { authorization: authorization('s3', 'us-east-1') };
    const answer = await fetch(`${aws.endpoint}/${target}`, {
      method,
      headers,
      ...(body && { body }),
    });
    return answer.text();
  }

  async function keysIn(bucket: string): Promise<string[]> {
    const list = await s3('GET', bucket);
    return [...list.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = '']) => key).sort();
  }
});

/**
 * Deploys the template to moto, which leaves out the two resources of the registry: it does not
 * know them. Left out here is the custom resource, whose function would need Docker.
 */
async function deploy(parameters: Record<string, string>): Promise<Stack> {
  const { TypeConfigurationSetting, ...Resources } = template.Resources;
  expect(TypeConfigurationSetting?.Type).toBe('Custom::TypeConfiguration');
  const given = Object.entries({
    SchemaHandlerPackage: PACKAGE,
    UserPath: '/',
    ...parameters,
  });
  await cloudFormationCall('CreateStack', {
    StackName: 'type',
    TemplateBody: JSON.stringify({ ...template, Resources }),
    'Capabilities.member.1': 'CAPABILITY_IAM',
    ...Object.fromEntries(
      given.flatMap(([key, value], index) => [
        [`Parameters.member.${index + 1}.ParameterKey`, key],
        [`Parameters.member.${index + 1}.ParameterValue`, value],
      ]),
    ),
  });
  const stacks = await cloudFormationCall('DescribeStacks', { StackName: 'type' });
  const outputs = stacks.matchAll(/<OutputKey>(\w+)<\/OutputKey><OutputValue>([^<]*)</g);
  return {
    status: /<StackStatus>(\w+)</.exec(stacks)?.[1],
    outputs: Object.fromEntries([...outputs].map(([, key = '', value = '']) => [key, value])),
  };
}

/** Without a client for CloudFormation, which nothing else in the project needs. */
async function cloudFormationCall(
  Action: string,
  parameters: Record<string, string>,
): Promise<string> {
  const answer = await fetch(aws.endpoint, {
    method: 'POST',
    headers: { authorization: authorization('cloudformation') },
    body: new URLSearchParams({ Action, Version: '2010-05-15', ...parameters }),
  });
  const body = await answer.text();
  if (!answer.ok) throw new Error(`${Action}: ${body}`);
  return body;
}

/** moto takes the Region and the service from it, and checks no signature. */
function authorization(service: string, region = LOCAL.region): string {
  const scope = `${LOCAL.credentials.accessKeyId}/20260101/${region}/${service}/aws4_request`;
  return `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
}

async function environmentOfFunction(): Promise<unknown> {
  const headers = { authorization: authorization('lambda') };
  const answer = await fetch(`${aws.endpoint}/2015-03-31/functions/`, { headers });
  const { Functions } = (await answer.json()) as {
    Functions: { Environment: { Variables: unknown } }[];
  };
  expect(Functions).toHaveLength(1);
  return Functions[0]?.Environment.Variables;
}

function iam(): IAMClient {
  return new IAMClient({ ...LOCAL, endpoint: aws.endpoint });
}

async function rolesLike(logicalId: string): Promise<string[]> {
  const { Roles = [] } = await iam().send(new ListRolesCommand({}));
  return Roles.flatMap(({ RoleName = '' }) =>
    RoleName.startsWith(`type-${logicalId}-`) ? [RoleName] : [],
  );
}

async function executionPolicy(): Promise<Policy> {
  const [role] = await rolesLike('ExecutionRole');
  return policyOf(role, 'ResourceTypePolicy');
}

/** moto keeps the policy of a role that a stack makes in Python's notation, and NoValue as None. */
async function policyOf(RoleName: string | undefined, PolicyName: string): Promise<Policy> {
  const answer = await iam().send(new GetRolePolicyCommand({ RoleName, PolicyName }));
  const inPython = decodeURIComponent(answer.PolicyDocument ?? '');
  const { Statement } = JSON.parse(
    inPython.replaceAll("'", '"').replaceAll('None', 'null'),
  ) as Policy;
  return { Statement: Statement.filter((statement) => statement as unknown) };
}

async function logGroupsOfHandlers(): Promise<{ retentionInDays?: number | undefined }[]> {
  const logs = new CloudWatchLogsClient({ ...LOCAL, endpoint: aws.endpoint });
  const { logGroups: found = [] } = await logs.send(
    new DescribeLogGroupsCommand({ logGroupNamePrefix: 'type-LogGroup-' }),
  );
  return found;
}

function resource(logicalId: string): Template['Resources'][string] {
  const found = template.Resources[logicalId];
  if (!found) throw new Error(`${TEMPLATE} has no resource ${logicalId}`);
  return found;
}

function resourcesOf({ Statement }: Policy, sid: string): string | string[] | undefined {
  return Statement.find(({ Sid }) => Sid === sid)?.Resource;
}

function via(service: string): object {
  return { StringEquals: { 'kms:ViaService': `${service}.eu-west-1.amazonaws.com` } };
}

/** @returns everything that stands under the name, however deep. */
function valuesOf(value: unknown, name: string): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    key === name ? ([inner].flat() as string[]) : valuesOf(inner, name),
  );
}
