import { GetRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startMoto, type LocalAws } from '../local/moto-server.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };
import { startAwsProxy, type Answer, type AwsProxy, type Call } from './support/aws-proxy.ts';

interface Run {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Of the registry, which moto does not know: it leaves out the resources of it. */
interface Version {
  readonly id: string;
  readonly package: string;
  readonly role: string;
}

interface ChangeSet {
  readonly id: string;
  readonly type: string;
  readonly templateBody: string;
  readonly parameters: Readonly<Record<string, string>>;
}

interface Policy {
  readonly Statement: readonly { readonly Sid?: string; readonly Resource: string }[];
}

const run = promisify(execFile);
const python = path.resolve('.venv/bin/python');
const STACK = 'org-iam-accesskey-type';
const REGION = 'eu-west-1';
const STACK_ID = `arn:aws:cloudformation:${REGION}:123456789012:stack/${STACK}/1`;
const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'local' };
const NARROW = ['--user-path', '/ci/', '--secret-names', 'ci/*'];
const NOTHING_TO_CHANGE =
  "The submitted information didn't contain changes. Submit different information to create a change set.";

let aws: LocalAws;
let cloudFormation: AwsProxy;
let folder: string;
let versions: Version[];
let configuration: string | undefined;
/** What CloudFormation says why it could not make a resource, where it cannot. */
let failure: string | undefined;
let changeSet: ChangeSet | undefined;

beforeAll(async () => {
  aws = await startMoto();
  cloudFormation = await startAwsProxy(aws.endpoint);
  cloudFormation.use(standIn);
  folder = await mkdtemp(path.join(tmpdir(), 'register-'));
  await symlink(path.resolve('registration'), path.join(folder, 'registration'));
});
beforeEach(async () => {
  await aws.reset();
  versions = [];
  configuration = undefined;
  failure = undefined;
  changeSet = undefined;
  const authorization = 'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/s3/aws4_request';
  await fetch(`${aws.endpoint}/packages`, { method: 'PUT', headers: { authorization } });
  await pack('first');
});
afterAll(async () => {
  await cloudFormation.stop();
  await aws.stop();
  await rm(folder, { recursive: true });
});

describe('register', () => {
  it('deploys the narrow role and a guardrail that fits it, and says what holds', async () => {
    const { exitCode, stdout } = await register(...NARROW, '--yes');

    expect(await scopeOfRole()).toEqual({
      ChangeKeysInScope: 'arn:aws:iam::123456789012:user/ci/*',
      KeepSecrets: `arn:aws:ssm:${REGION}:123456789012:parameter/org/iam/access-key/*`,
      DeliverSecrets: `arn:aws:secretsmanager:${REGION}:123456789012:secret:ci/*`,
    });
    expect(configured()).toEqual({
      ParameterPrefix: '/org/iam/access-key',
      AllowedUserPaths: ['/ci/*'],
    });
    expect(versions).toMatchObject([
      { package: expect.stringMatching(/^s3:\/\/packages\/.+zip$/) },
    ]);
    expect(stdout).toContain(
      `create the stack ${STACK} in account 123456789012, Region ${REGION}:`,
    );
    expect(after(stdout, 'Deploying…')).toBe(`
00000001 is the default version of ${schema.typeName}.
Its handlers run with the role ${versions[0]?.role ?? ''}, which may
  change access keys of users:     /ci/*
  use parameters:                  /org/iam/access-key/*
  write to secrets:                ci/*
  use KMS keys for parameters:     none
  use KMS keys for secrets:        none
  read names and key ids of users: all
Guardrails in the type configuration:
  AllowedUserPaths:                ["/ci/*"]
`);
    expect(exitCode).toBe(0);
  });

  it('registers the next version with the same command, in the same stack', async () => {
    await register(...NARROW, '--yes');
    await pack('second');

    const { stdout } = await register(...NARROW, '--yes');

    expect(versions.map(({ id }) => id)).toEqual(['00000001', '00000002']);
    expect(new Set(versions.map((version) => version.package)).size).toBe(2);
    expect(stdout).toMatch(/^ {2}SchemaHandlerPackage = s3:\S+ \(was s3:\S+\)$/m);
    expect(stdout).toContain('00000002 is the default version');
    expect(stdout).toContain('each with its own role: 00000001.\nRemove them: make deregister-');
  });

  it('leaves what is not given as it was', async () => {
    await register(...NARROW, '--parameter', 'LogRetentionInDays=30', '--yes');
    const before = await parametersOfStack();
    const configurationBefore = configuration;
    await pack('second');

    await register('--yes');

    const { SchemaHandlerPackage, ...others } = await parametersOfStack();
    expect(SchemaHandlerPackage).not.toBe(before.SchemaHandlerPackage);
    expect({ ...others, SchemaHandlerPackage: before.SchemaHandlerPackage }).toEqual(before);
    expect(configuration).toBe(configurationBefore);
    expect(others).toMatchObject({ UserPath: '/ci/', LogRetentionInDays: '30' });
  });

  it('changes nothing where nothing is new, and says what holds', async () => {
    await register(...NARROW, '--yes');

    const { exitCode, stdout } = await register(...NARROW);

    expect(stdout).toContain(`The stack ${STACK} is up to date.`);
    expect(stdout).toContain('change access keys of users:     /ci/*');
    expect(versions).toHaveLength(1);
    expect(exitCode).toBe(0);
  });

  it('moves the guardrail with the path, and lets the others stand', async () => {
    const file = path.join(folder, 'guardrails.json');
    await writeFile(file, '{"RequirePermissionsBoundary":true}');
    await register(...NARROW, '--type-configuration', file, '--yes');
    expect(configured()).toMatchObject({ AllowedUserPaths: ['/ci/*'] });

    await register('--user-path', '/apps/', '--yes');
    expect(configured()).toMatchObject({
      AllowedUserPaths: ['/apps/*'],
      RequirePermissionsBoundary: true,
    });

    await register('--user-path', '/', '--yes');
    expect(configured()).toEqual({
      ParameterPrefix: '/org/iam/access-key',
      RequirePermissionsBoundary: true,
    });
  });

  it('keeps guardrails that were set before there was a stack', async () => {
    configuration = '{"ParameterPrefix":"/old","MaxKeysPerUser":1,"AllowedUserPaths":["/ci/a/*"]}';

    await register(...NARROW, '--yes');

    expect(configured()).toEqual({
      ParameterPrefix: '/org/iam/access-key',
      MaxKeysPerUser: 1,
      AllowedUserPaths: ['/ci/a/*'],
    });
  });

  it('does nothing without a yes, and leaves no stack behind', async () => {
    const { exitCode, stdout, stderr } = await register(...NARROW);

    expect(stdout).toContain('  Replace ResourceVersion (AWS::CloudFormation::ResourceVersion)\n');
    expect(stderr).toContain('needs ARGS="--yes"');
    expect(exitCode).toBe(1);
    expect(versions).toEqual([]);
    expect(changeSet).toBeUndefined();

    // What was asked for and not done is in nobody's way.
    expect(await register(...NARROW, '--yes')).toMatchObject({ exitCode: 0 });
  });

  it('takes a yes from CI', async () => {
    const { exitCode } = await register({ CI: 'true' }, ...NARROW);

    expect(exitCode).toBe(0);
    expect(versions).toHaveLength(1);
  });

  it('says why CloudFormation could not deploy', async () => {
    failure = 'the package is no package';

    const { exitCode, stdout, stderr } = await register(...NARROW, '--yes');

    expect(stderr).toBe('registering: ResourceVersion: the package is no package\n');
    expect(stdout).not.toContain('is the default version');
    expect(exitCode).toBe(1);
    const creation = cloudFormation.calls.findLast(({ action }) => action === 'CreateChangeSet');
    expect(creation?.parameters).toMatchObject({ OnStackFailure: 'DELETE' });
  });

  it('shows a role that may do more than it should', async () => {
    await register(...NARROW, '--yes');
    const wide = { Effect: 'Allow', Action: 'iam:*', Resource: '*' };
    cloudFormation.use(async (call, next) => {
      const answer = await next(call);
      if (call.action !== 'GetRolePolicy') return answer;
      return withPolicy(answer, (policy) => ({ Statement: [...policy.Statement, wide] }));
    });

    const { stdout } = await register(...NARROW);

    expect(stdout).toContain('change access keys of users:     /ci/*, all\n');
  });

  it('says what is missing', async () => {
    const withoutPath = await register();
    expect(withoutPath.stderr).toBe(
      "USER_PATH is missing: make register USER_PATH=/ci/ SECRET_NAMES='ci/*' BUCKET=name\n",
    );
    expect(withoutPath.exitCode).toBe(2);
    expect(withoutPath.stdout).toBe('');

    const withoutBucket = await execute('make', ['--old-file=setup', 'register'], {});
    expect(withoutBucket.stderr).toContain('BUCKET is missing: make register USER_PATH=/ci/');
    expect(withoutBucket.exitCode).toBe(2);
  });

  it('hands on what make is given', async () => {
    const args = ['--dry-run', '--old-file=setup', 'register', 'BUCKET=b', 'USER_PATH=/ci/'];
    const { stdout } = await execute('make', [...args, 'SECRET_NAMES=ci/*', 'ARGS=--yes'], {});

    expect(stdout.replaceAll(/\s+\\?\s*/g, ' ')).toContain(
      "python tools/register.py --bucket 'b' --user-path '/ci/' --secret-names 'ci/*' --yes",
    );
  });
});

function register(...args: (string | Record<string, string>)[]): Promise<Run> {
  const env: object = Object.assign({}, ...args.filter((arg) => typeof arg !== 'string')) as Record<
    string,
    string
  >;
  const tool = path.resolve('tools/register.py');
  const options = args.filter((arg) => typeof arg === 'string');
  return execute(python, [tool, '--bucket', 'packages', ...options], {
    AWS_DEFAULT_REGION: REGION,
    AWS_ENDPOINT_URL: cloudFormation.endpoint,
    // The stand-in passes on text alone.
    AWS_ENDPOINT_URL_S3: aws.endpoint,
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    ...env,
  });
}

async function execute(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Run> {
  const options = {
    cwd: command === 'make' ? undefined : folder,
    env: { PATH: process.env.PATH, ...env },
  };
  return run(command, args, options).then(
    ({ stdout, stderr }) => ({ exitCode: 0, stdout, stderr }),
    (error: unknown) => {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { exitCode: code, stdout, stderr };
    },
  );
}

async function pack(content: string): Promise<void> {
  await writeFile(path.join(folder, 'handlers.js'), content);
  await run(python, ['-m', 'zipfile', '--create', 'org-iam-accesskey.zip', 'handlers.js'], {
    cwd: folder,
  });
}

/** CloudFormation as it is at AWS: moto's change sets lose parameters, and it has no registry. */
async function standIn(call: Call, next: (call: Call) => Promise<Answer>): Promise<Answer> {
  const { action, parameters } = call;
  switch (action) {
    case 'CreateChangeSet':
      changeSet = await toChangeSet(parameters);
      return ok(call, `<Id>${changeSet.id}</Id><StackId>${STACK_ID}</StackId>`);
    case 'DescribeChangeSet':
      return ok(
        call,
        (await isUnchanged(changeSet))
          ? `<Status>FAILED</Status><StatusReason>${NOTHING_TO_CHANGE}</StatusReason>`
          : `<Status>CREATE_COMPLETE</Status><Changes><member><ResourceChange><Action>Modify</Action><LogicalResourceId>ResourceVersion</LogicalResourceId><ResourceType>AWS::CloudFormation::ResourceVersion</ResourceType><Replacement>True</Replacement></ResourceChange></member></Changes>`,
      );
    case 'DeleteChangeSet':
    case 'DeleteStack':
      expect(parameters.StackName).toBe(STACK_ID);
      changeSet = action === 'DeleteStack' ? undefined : changeSet;
      return ok(call, '');
    case 'ExecuteChangeSet':
      if (failure === undefined) await deploy(changeSet);
      return ok(call, '');
    case 'DescribeStacks':
      if (failure !== undefined && parameters.StackName === STACK_ID) {
        return ok(call, stackIn('DELETE_COMPLETE'));
      }
      if ((await describeStack()).includes('does not exist') && changeSet) {
        return ok(call, stackIn('REVIEW_IN_PROGRESS'));
      }
      return next({ ...call, parameters: { StackName: STACK } });
    case 'DescribeStackEvents':
      return ok(call, eventsOf(failure ?? ''));
    case 'DescribeType': {
      const current = versions.at(-1);
      return ok(
        call,
        `<Arn>${arnOf(current)}</Arn><ExecutionRoleArn>arn:aws:iam::123456789012:role/${String(current?.role)}</ExecutionRoleArn>`,
      );
    }
    case 'ListTypeVersions': {
      const members = versions.map(
        (version, index) =>
          `<member><VersionId>${version.id}</VersionId><Arn>${arnOf(version)}</Arn><IsDefaultVersion>${String(index === versions.length - 1)}</IsDefaultVersion></member>`,
      );
      return ok(call, `<TypeVersionSummaries>${members.join('')}</TypeVersionSummaries>`);
    }
    case 'BatchDescribeTypeConfigurations': {
      if (configuration === undefined) return fault('TypeConfigurationNotFoundException');
      const text = configuration.replaceAll('"', '&quot;');
      return ok(
        call,
        `<TypeConfigurations><member><Configuration>${text}</Configuration></member></TypeConfigurations>`,
      );
    }
    case 'GetRolePolicy':
      return withPolicy(await next(call), (policy) => policy);
    default:
      return next(call);
  }
}

/** With every parameter's value, as CloudFormation takes them. */
async function toChangeSet(call: Call['parameters']): Promise<ChangeSet> {
  const before = await parametersOfStack();
  const parameters: Record<string, string> = {};
  for (let index = 1; `Parameters.member.${index}.ParameterKey` in call; index++) {
    const name = String(call[`Parameters.member.${index}.ParameterKey`]);
    const isKept = call[`Parameters.member.${index}.UsePreviousValue`] === 'true';
    const value = isKept ? before[name] : call[`Parameters.member.${index}.ParameterValue`];
    if (value === undefined) throw new Error(`${name} has no previous value`);
    parameters[name] = value as string;
  }
  // The function of the custom resource would need Docker; what it does is done by deploy.
  const template = String(call.TemplateBody);
  const templateBody = template.replace(/^ {2}TypeConfigurationSetting:\n(?: {4}.*\n)+/m, '');
  expect(templateBody).not.toBe(template);
  expect(call).toMatchObject({ StackName: STACK, 'Capabilities.member.1': 'CAPABILITY_IAM' });
  return {
    id: String(call.ChangeSetName),
    type: String(call.ChangeSetType),
    templateBody,
    parameters,
  };
}

async function isUnchanged({ type, parameters }: ChangeSet = never()): Promise<boolean> {
  const before = await parametersOfStack();
  return (
    type === 'UPDATE' && Object.entries(parameters).every(([name, value]) => before[name] === value)
  );
}

/** Deploys to moto, and does what the resources do that moto leaves out. */
async function deploy({ type, templateBody, parameters }: ChangeSet = never()): Promise<void> {
  await askCloudFormation({
    Action: type === 'UPDATE' ? 'UpdateStack' : 'CreateStack',
    StackName: STACK,
    TemplateBody: templateBody,
    'Capabilities.member.1': 'CAPABILITY_IAM',
    ...Object.fromEntries(
      Object.entries(parameters).flatMap(([name, value], index) => [
        [`Parameters.member.${index + 1}.ParameterKey`, name],
        [`Parameters.member.${index + 1}.ParameterValue`, value],
      ]),
    ),
  });
  const role = /:role\/([^<]+)</.exec(await describeStack())?.[1] ?? '';
  const {
    SchemaHandlerPackage = '',
    TypeConfiguration,
    ParameterPrefix,
  } = await parametersOfStack();
  if (versions.at(-1)?.package !== SchemaHandlerPackage) {
    const id = String(versions.length + 1).padStart(8, '0');
    versions.push({ id, package: SchemaHandlerPackage, role });
  }
  const given = JSON.parse(TypeConfiguration ?? configuration ?? '{}') as object;
  configuration = JSON.stringify({ ...given, ParameterPrefix });
}

function never(): never {
  throw new Error('there is no change set');
}

function configured(): unknown {
  return JSON.parse(configuration ?? '') as unknown;
}

function stackIn(status: string): string {
  return `<Stacks><member><StackId>${STACK_ID}</StackId><StackName>${STACK}</StackName><StackStatus>${status}</StackStatus></member></Stacks>`;
}

async function parametersOfStack(): Promise<Record<string, string>> {
  const stack = await describeStack();
  const parameters = stack.matchAll(
    /<ParameterKey>(\w+)<\/ParameterKey>\s*<ParameterValue(?:\/>|>([^<]*))/g,
  );
  return Object.fromEntries(
    [...parameters].map(([, name = '', value = '']) => [
      name,
      // moto shows a list in Python's notation.
      value.replaceAll('&quot;', '"').replace(/^\['(.*)'\]$/, '$1'),
    ]),
  );
}

async function describeStack(): Promise<string> {
  return askCloudFormation({ Action: 'DescribeStacks', StackName: STACK });
}

async function askCloudFormation(parameters: Record<string, string>): Promise<string> {
  const scope = `${CREDENTIALS.accessKeyId}/20260101/${REGION}/cloudformation/aws4_request`;
  const answer = await fetch(aws.endpoint, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 Credential=${scope}` },
    body: new URLSearchParams(parameters),
  });
  return answer.text();
}

/** The resources of what the role may change. */
async function scopeOfRole(): Promise<Record<string, string>> {
  const iam = new IAMClient({
    endpoint: cloudFormation.endpoint,
    region: REGION,
    credentials: CREDENTIALS,
  });
  const [{ role: RoleName } = { role: '' }] = versions;
  const command = new GetRolePolicyCommand({ RoleName, PolicyName: 'ResourceTypePolicy' });
  const { PolicyDocument = '' } = await iam.send(command);
  const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument)) as Policy;
  return Object.fromEntries(
    Statement.filter(({ Sid = '' }) => !/^(Find|Describe)/.test(Sid)).map(
      ({ Sid = '', Resource }) => [Sid, Resource] as const,
    ),
  );
}

/** moto keeps the policy of a role that a stack makes in Python's notation, and NoValue as None. */
function withPolicy(answer: Answer, change: (policy: Policy) => Policy): Answer {
  const body = answer.body.replace(/(?<=<PolicyDocument>)[^<]*/, (document) => {
    const text = decodeURIComponent(document).replaceAll("'", '"').replaceAll('None', 'null');
    const policy = JSON.parse(text) as Policy;
    const Statement = policy.Statement.filter((statement) => statement as unknown);
    return encodeURIComponent(JSON.stringify(change({ ...policy, Statement })));
  });
  return { ...answer, body };
}

function eventsOf(reason: string): string {
  const event = (logicalId: string, physicalId: string, status: string, why: string): string =>
    `<member><StackId>${STACK_ID}</StackId><EventId>1</EventId><StackName>${STACK}</StackName>` +
    `<LogicalResourceId>${logicalId}</LogicalResourceId><PhysicalResourceId>${physicalId}</PhysicalResourceId>` +
    `<ResourceStatus>${status}</ResourceStatus><ResourceStatusReason>${why}</ResourceStatusReason></member>`;
  // Newest first; an operation begins with the stack's own event.
  return `<StackEvents>${[
    event(STACK, STACK_ID, 'DELETE_COMPLETE', ''),
    event('LogRole', '', 'CREATE_FAILED', 'Resource creation cancelled'),
    event('ResourceVersion', '', 'CREATE_FAILED', reason),
    event(STACK, STACK_ID, 'CREATE_IN_PROGRESS', 'User Initiated'),
    event('ResourceVersion', '', 'CREATE_FAILED', 'of an earlier operation'),
  ].join('')}</StackEvents>`;
}

function ok({ action }: Call, result: string): Answer {
  const body = `<R><${action}Result>${result}</${action}Result></R>`;
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

function fault(code: string): Answer {
  const body = `<ErrorResponse><Error><Code>${code}</Code><Message>no</Message></Error></ErrorResponse>`;
  return { status: 404, headers: { 'content-type': 'text/xml' }, body };
}

function arnOf(version: Version | undefined): string {
  const name = schema.typeName.replaceAll('::', '-');
  return `arn:aws:cloudformation:${REGION}:123456789012:type/resource/${name}/${String(version?.id)}`;
}

function after(text: string, separator: string): string {
  return text.split(`${separator}\n`)[1] ?? '';
}
