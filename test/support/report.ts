import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { refuse, type Answer, type Behaviour, type Call } from './aws-proxy.ts';
import { newCredentials, REGION, type LocalType } from './local-type.ts';
import { expectNoSecret, secretsIn } from './sentinel.ts';

export interface ReportRun {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReportOptions {
  readonly nodeArguments?: readonly string[];
  /** The report as a terminal shows it; what is typed, once it asks. */
  readonly typed?: string;
  readonly onOutput?: (stdout: string) => void;
}

/** Types an answer into a terminal as soon as the program asks. */
const TERMINAL = `
import os, pty, sys
answer, command = sys.argv[1].encode(), sys.argv[2:]
def read(fd):
    seen = os.read(fd, 65536)
    if b'[y/N] ' in seen:
        os.write(fd, answer)
    return seen
sys.exit(os.waitstatus_to_exitcode(pty.spawn(command, read)))
`;

/**
 * Runs the report with credentials of its own in an empty folder. Whatever it writes is looked
 * through for the secrets of the keys that were made in this test.
 */
export async function runReport(
  type: LocalType,
  args: readonly string[] = [],
  { nodeArguments = [], typed, onOutput }: ReportOptions = {},
): Promise<ReportRun> {
  const folder = await mkdtemp(path.join(tmpdir(), 'report-'));
  const { accessKeyId, secretAccessKey, sessionToken = '' } = newCredentials('reader');
  const node = path.resolve('node_modules/.bin/node');
  const command = [node, ...nodeArguments, path.resolve('report/main.ts'), ...args];
  const [program = '', ...rest] =
    typed === undefined
      ? command
      : [path.resolve('.venv/bin/python'), '-c', TERMINAL, typed, ...command];
  try {
    const report = spawn(program, rest, {
      cwd: folder,
      env: {
        HOME: folder,
        PATH: process.env.PATH,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
        AWS_SESSION_TOKEN: sessionToken,
        AWS_REGION: REGION,
        AWS_ENDPOINT_URL: type.proxy.endpoint,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (onOutput)
      report.stdout.on('data', (chunk: Buffer) => {
        onOutput(chunk.toString());
      });
    const [stdout, stderr, [exitCode]] = await Promise.all([
      text(report.stdout),
      text(report.stderr),
      once(report, 'close') as Promise<[number | null]>,
    ]);
    const secrets = [...type.mintedSecrets, secretAccessKey, sessionToken];
    expectNoSecret(secretsIn([], secrets), [stdout, stderr]);
    expect(await readdir(folder)).toEqual([]);
    return { exitCode, stdout, stderr };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The keys and parameters of whom `isMeant` is true, by id or name, were made that much earlier. */
export function past(
  milliseconds: number,
  isMeant: (idOrName: string) => boolean = () => true,
): Behaviour {
  return async (call, next) => {
    const answer = await next(call);
    if (call.action === 'ListAccessKeys') {
      const body = answer.body.replaceAll(/<member>.*?<\/member>/gs, (member) => {
        const [, id = ''] = /<AccessKeyId>([^<]*)</.exec(member) ?? [];
        const [, date = ''] = /<CreateDate>([^<]*)</.exec(member) ?? [];
        const earlier = new Date(Date.parse(date) - milliseconds).toISOString();
        return isMeant(id) ? member.replace(date, earlier) : member;
      });
      return { ...answer, body };
    }
    if (!call.action.startsWith('GetParameters') || answer.status !== 200) return answer;
    const { Parameters = [], ...rest } = JSON.parse(answer.body) as {
      Parameters?: { Name: string; LastModifiedDate: number }[];
    };
    const shifted = Parameters.map((parameter) => {
      const LastModifiedDate = parameter.LastModifiedDate - milliseconds / 1000;
      return isMeant(parameter.Name) ? { ...parameter, LastModifiedDate } : parameter;
    });
    return { ...answer, body: JSON.stringify({ ...rest, Parameters: shifted }) };
  };
}

/** When, where and for what these keys were last used. */
export function use(date: Date, ...accessKeyIds: readonly string[]): Behaviour {
  return async (call, next) => {
    const answer = await next(call);
    const isUsed = accessKeyIds.includes(String(call.parameters.AccessKeyId));
    if (call.action !== 'GetAccessKeyLastUsed' || !isUsed) return answer;
    const lastUsed = `<LastUsedDate>${date.toISOString()}</LastUsedDate><ServiceName>s3</ServiceName><Region>eu-west-1</Region>`;
    const element = /<AccessKeyLastUsed>.*<\/AccessKeyLastUsed>/s;
    const body = answer.body.replace(element, `<AccessKeyLastUsed>${lastUsed}</AccessKeyLastUsed>`);
    return { ...answer, body };
  };
}

export interface Stack {
  readonly status: string;
  /** The physical ids by logical id; one that has a status of its own with it. */
  readonly resources: Readonly<Record<string, string | readonly [string, string]>>;
}

/** A stack, by its id, and the registered versions of the type, by their ids, with their roles. */
export interface Deployed {
  readonly stacks: Readonly<Record<string, Stack>>;
  /** The first is the default one. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** CloudFormation, as far as the report asks it; moto knows no type of one's own. */
export function deployed({ stacks, versions = {} }: Deployed): Behaviour {
  return (call, next) => {
    if (call.service !== 'cloudformation') return next(call);
    const { StackName, LogicalResourceId, VersionId } = call.parameters as Record<string, string>;
    const stack = stacks[StackName ?? ''];
    switch (call.action) {
      case 'DescribeStackResource': {
        const resource = stack?.resources[LogicalResourceId ?? ''];
        if (!stack) return invalid(call, `Stack '${String(StackName)}' does not exist`);
        if (!resource)
          return invalid(call, `Resource ${String(LogicalResourceId)} does not exist for stack`);
        const [id, status] =
          typeof resource === 'string' ? [resource, 'CREATE_COMPLETE'] : resource;
        return result(
          call,
          `<StackResourceDetail><PhysicalResourceId>${id}</PhysicalResourceId><ResourceStatus>${status}</ResourceStatus></StackResourceDetail>`,
        );
      }
      case 'DescribeStacks':
        if (!stack) return invalid(call, `Stack with id ${String(StackName)} does not exist`);
        return result(
          call,
          `<Stacks><member><StackName>app</StackName><StackStatus>${stack.status}</StackStatus></member></Stacks>`,
        );
      case 'ListTypeVersions': {
        if (Object.keys(versions).length === 0)
          return refuse(call, 404, 'TypeNotFoundException', 'The type cannot be found');
        const members = Object.keys(versions).map(
          (id, index) =>
            `<member><VersionId>${id}</VersionId><Arn>${versionArn(id)}</Arn><IsDefaultVersion>${index === 0}</IsDefaultVersion><TimeCreated>2026-01-02T03:04:05Z</TimeCreated></member>`,
        );
        return result(call, `<TypeVersionSummaries>${members.join('')}</TypeVersionSummaries>`);
      }
      default:
        return result(
          call,
          `<ExecutionRoleArn>${String(versions[VersionId ?? ''])}</ExecutionRoleArn>`,
        );
    }
  };
}

export function versionArn(id: string): string {
  return `arn:aws:cloudformation:${REGION}:123456789012:type/resource/Org-IAM-AccessKey/${id}`;
}

function invalid(call: Call, message: string): Answer {
  return refuse(call, 400, 'ValidationError', message);
}

function result({ action }: Call, body: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: `<${action}Response><${action}Result>${body}</${action}Result></${action}Response>`,
  };
}
