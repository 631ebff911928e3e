import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { startMoto, type LocalAws } from '../local/moto-server.ts';
import schema from '../schema/org-iam-accesskey.json' with { type: 'json' };

/** Of the registry, which moto does not know. */
interface Version {
  TypeName: string;
  VersionId: string;
  role: string;
  isDefault?: boolean;
}

const run = promisify(execFile);
const CREDENTIALS = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'local' };
const REGION = 'eu-west-1';
const CLOUDFORMATION = 'resources.cloudformation.amazonaws.com';
const roleArn = (name: string): string => `arn:aws:iam::123456789012:role/${name}`;

let aws: LocalAws;
let registry: Server;
let versions: Version[];
/** Which role belongs to which stack, and how many other resources are in there. */
let stacks: Record<string, { name: string; others: number }>;

beforeAll(async () => {
  aws = await startMoto();
  registry = createServer((request, response) => {
    void text(request).then((body) => {
      const input = Object.fromEntries(new URLSearchParams(body));
      const answer = answerTo(input);
      response.statusCode = answer === undefined ? 400 : 200;
      response.end(
        answer === undefined
          ? '<ErrorResponse><Error><Code>ValidationError</Code><Message>no</Message></Error></ErrorResponse>'
          : `<R><${input.Action}Result>${answer}</${input.Action}Result></R>`,
      );
    });
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
});
beforeEach(async () => {
  await aws.reset();
  stacks = {};
  versions = [
    { TypeName: schema.typeName, VersionId: '00000001', role: 'wide' },
    { TypeName: schema.typeName, VersionId: '00000002', role: 'wide' },
    { TypeName: schema.typeName, VersionId: '00000003', role: 'narrow', isDefault: true },
    { TypeName: schema.typeName, VersionId: '00000004', role: 'narrow' },
    { TypeName: 'Org::Other::Type', VersionId: '00000001', role: 'other', isDefault: true },
  ];
  await createRole('wide');
});
afterAll(async () => {
  registry.close();
  await aws.stop();
});

describe('deregister-old-versions', () => {
  it('shows what it would do, and does nothing', async () => {
    const before = structuredClone(versions);

    const stdout = await deregister();

    expect(versions).toEqual(before);
    expect(stdout).toMatch(/^deregister +00000001 .*role\/wide$/m);
    expect(stdout).toMatch(/^keep +00000003 .*role\/narrow$/m);
    expect(stdout).toContain('Nothing is changed yet');
  });

  it('deregisters all but the default version, and nothing of other types', async () => {
    await deregister('--yes');

    expect(versions.map(({ TypeName, VersionId }) => [TypeName, VersionId])).toEqual([
      [schema.typeName, '00000003'],
      ['Org::Other::Type', '00000001'],
    ]);
  });

  it('has nothing to do the second time', async () => {
    await deregister('--yes');

    expect(await deregister('--yes')).toMatch(/^keep .*narrow\n$/);
  });

  it('tells how to delete the roles that nothing else uses', async () => {
    const iam = new IAMClient({ endpoint: aws.endpoint, region: REGION, credentials: CREDENTIALS });
    const PolicyDocument = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'iam:CreateAccessKey', Resource: '*' }],
    });
    await iam.send(
      new PutRolePolicyCommand({ RoleName: 'wide', PolicyName: 'Inline', PolicyDocument }),
    );
    const { Policy } = await iam.send(
      new CreatePolicyCommand({ PolicyName: 'Managed', PolicyDocument }),
    );
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'wide', PolicyArn: Policy?.Arn }));

    const stdout = await deregister('--yes');

    expect(adviceOn('wide', stdout)).toEqual([
      'aws iam delete-role-policy --role-name wide --policy-name Inline',
      'aws iam detach-role-policy --role-name wide --policy-arn arn:aws:iam::123456789012:policy/Managed',
      'aws iam delete-role --role-name wide',
    ]);
    expect(adviceOn('narrow', stdout)).toEqual([
      'stays: used by type/resource/Org-IAM-AccessKey/00000003',
    ]);
  });

  it('leaves a role that another type uses', async () => {
    versions.push({ TypeName: 'Org::Other::Type', VersionId: '00000002', role: 'wide' });

    expect(adviceOn('wide', await deregister())).toEqual([
      'stays: used by type/resource/Org-Other-Type/00000002',
    ]);
  });

  it('names the stack of a role', async () => {
    stacks.wide = { name: 'org-iam-accesskey-role-stack', others: 0 };
    expect(adviceOn('wide', await deregister())).toEqual([
      'aws cloudformation delete-stack --stack-name org-iam-accesskey-role-stack',
    ]);

    stacks.wide = { name: 'platform', others: 2 };
    expect(adviceOn('wide', await deregister())[0]).toBe(
      'belongs to the stack platform, with 2 more resources: take',
    );
  });

  it('names who else may use a role, and one that is gone', async () => {
    versions.push(
      { TypeName: schema.typeName, VersionId: '00000005', role: 'shared' },
      { TypeName: schema.typeName, VersionId: '00000006', role: 'gone' },
    );
    await createRole('shared', [CLOUDFORMATION, 'lambda.amazonaws.com']);

    const stdout = await deregister();

    expect(adviceOn('shared', stdout)).toEqual([
      'can be used by lambda.amazonaws.com, too: ask them first',
      'aws iam delete-role --role-name shared',
    ]);
    expect(adviceOn('gone', stdout)).toEqual(['is gone already']);
  });

  it('touches nothing where no version is the default', async () => {
    versions = versions.filter(({ isDefault }) => !isDefault);
    const before = structuredClone(versions);

    await expect(deregister('--yes')).rejects.toMatchObject({
      stderr: `${schema.typeName} has no default version in ${REGION}\n`,
    });
    expect(versions).toEqual(before);
  });
});

async function deregister(...args: string[]): Promise<string> {
  const { port } = registry.address() as AddressInfo;
  const { stdout } = await run(
    path.resolve('.venv/bin/python'),
    ['tools/deregister_old_versions.py', ...args],
    {
      env: {
        PATH: process.env.PATH,
        AWS_REGION: REGION,
        AWS_DEFAULT_REGION: REGION,
        AWS_ENDPOINT_URL: aws.endpoint,
        AWS_ENDPOINT_URL_CLOUDFORMATION: `http://127.0.0.1:${port}`,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      },
    },
  );
  return stdout;
}

/** The lines below the role's ARN. */
function adviceOn(role: string, stdout: string): string[] {
  const [, advice = ''] = stdout.split(`\n\n${roleArn(role)}\n`);
  return [...(/^( {2}.*\n)+/.exec(advice)?.[0] ?? '').matchAll(/^ {2}(.*)$/gm)].map(
    ([, line = '']) => line,
  );
}

async function createRole(RoleName: string, services = [CLOUDFORMATION]): Promise<void> {
  const iam = new IAMClient({ endpoint: aws.endpoint, region: REGION, credentials: CREDENTIALS });
  const trust = { Effect: 'Allow', Principal: { Service: services }, Action: 'sts:AssumeRole' };
  const AssumeRolePolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: [trust] });
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
}

/** Lists come in pages of two. @returns nothing where AWS answers ValidationError. */
function answerTo(input: Record<string, string>): string | undefined {
  const { Action, TypeName, VersionId, NextToken = '0' } = input;
  const first = Number(NextToken);
  const listed = (name: string, items: string[]): string => {
    const members = items.slice(first, first + 2).map((item) => `<member>${item}</member>`);
    const token = first + 2 < items.length ? `<NextToken>${first + 2}</NextToken>` : '';
    return `<${name}>${members.join('')}</${name}>${token}`;
  };
  const found = versions.find(
    (version) =>
      version.TypeName === TypeName &&
      (VersionId ? version.VersionId === VersionId : version.isDefault),
  );
  switch (Action) {
    case 'ListTypes':
      return input.Type === 'RESOURCE'
        ? listed(
            'TypeSummaries',
            [...new Set(versions.map((version) => version.TypeName))].map(
              (name) => `<TypeName>${name}</TypeName>`,
            ),
          )
        : listed('TypeSummaries', []);
    case 'ListTypeVersions':
      return listed(
        'TypeVersionSummaries',
        versions.filter((version) => version.TypeName === TypeName).map(summaryOf),
      );
    case 'DescribeType':
      return (
        found &&
        `<Arn>${arnOf(found)}</Arn><ExecutionRoleArn>${roleArn(found.role)}</ExecutionRoleArn>`
      );
    case 'DeregisterType':
      if (!found || found.isDefault) return undefined;
      versions = versions.filter((version) => version !== found);
      return '';
    case 'DescribeStackResources': {
      const role = input.PhysicalResourceId ?? '';
      const stack = stacks[role];
      const ids = [
        role,
        ...Array.from({ length: stack?.others ?? 0 }, (_, index) => `other-${index}`),
      ];
      const members = ids.map(
        (id) =>
          `<member><StackName>${stack?.name}</StackName><PhysicalResourceId>${id}</PhysicalResourceId></member>`,
      );
      return stack && `<StackResources>${members.join('')}</StackResources>`;
    }
    default:
      return undefined;
  }
}

function summaryOf(version: Version): string {
  return (
    `<VersionId>${version.VersionId}</VersionId><Arn>${arnOf(version)}</Arn>` +
    `<IsDefaultVersion>${String(version.isDefault ?? false)}</IsDefaultVersion>` +
    '<TimeCreated>2026-01-01T00:00:00Z</TimeCreated>'
  );
}

function arnOf({ TypeName, VersionId }: Version): string {
  const name = TypeName.replaceAll('::', '-');
  return `arn:aws:cloudformation:${REGION}:123456789012:type/resource/${name}/${VersionId}`;
}
