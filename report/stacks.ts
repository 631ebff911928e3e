import {
  CloudFormationClient,
  DescribeStackResourceCommand,
  DescribeStacksCommand,
  DescribeTypeCommand,
  paginateListTypeVersions,
  TypeNotFoundException,
} from '@aws-sdk/client-cloudformation';
import { callAws, present } from '../src/aws/errors.ts';
import { hasErrorCode } from '../src/runtime/progress-event.ts';
import { schema } from '../src/schema.ts';
import type { Aws } from './aws.ts';
import type { Made } from './records.ts';

const TYPE = { Type: 'RESOURCE', TypeName: schema.typeName } as const;
const LEFT = ['DELETE_COMPLETE', 'DELETE_SKIPPED'];

/** @returns why no stack has the key; undefined where one has it, or is just being changed. */
export async function findWhyInNoStack(
  aws: Aws,
  accessKeyId: string,
  { stackId, logicalId, isSuperseded, successorId }: Made,
): Promise<string | undefined> {
  // Without them, Cloud Control API made it.
  if (stackId === undefined || logicalId === undefined) return undefined;
  const stack = `stack ${nameOfStack(stackId)}`;
  const key = isSuperseded ? successorId : accessKeyId;
  return aws.at('cloudformation', async (session) => {
    const client = session.client(CloudFormationClient);
    const resource = await ifThere(
      callAws(`describing ${logicalId} of ${stack}`, async () => {
        const StackName = stackId;
        const command = new DescribeStackResourceCommand({
          StackName,
          LogicalResourceId: logicalId,
        });
        return present((await client.send(command)).StackResourceDetail);
      }),
    );
    const isLeft = LEFT.includes(resource?.ResourceStatus ?? '');
    if (resource && resource.PhysicalResourceId === key && !isLeft) return undefined;

    const status = await ifThere(
      callAws(`describing ${stack}`, async () => {
        const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackId }));
        return present(Stacks?.[0]?.StackStatus);
      }),
    );
    if (status === undefined || status === 'DELETE_COMPLETE') return `${stack} is gone`;
    if (status.endsWith('_IN_PROGRESS')) return undefined;
    return resource && !isLeft
      ? `${logicalId} of ${stack} is another key`
      : `${stack} has no ${logicalId}`;
  });
}

export function nameOfStack(stackId: string): string {
  return stackId.split('/')[1] ?? stackId;
}

export interface TypeVersion {
  readonly arn: string;
  readonly createdAt: Date | undefined;
  readonly role: string;
  readonly defaultRole: string;
}

/**
 * The versions that stay usable with another role than the default version has; none where the type is
 * not registered.
 */
export async function findVersionsWithOtherRoles(aws: Aws): Promise<TypeVersion[]> {
  try {
    return await listVersionsWithOtherRoles(aws);
  } catch (error) {
    if ((error as Error).cause instanceof TypeNotFoundException) return [];
    throw error;
  }
}

async function listVersionsWithOtherRoles(aws: Aws): Promise<TypeVersion[]> {
  return aws.at('cloudformation', async (session) => {
    const client = session.client(CloudFormationClient);
    const summaries = await callAws(`listing the versions of ${schema.typeName}`, async () => {
      const pages = paginateListTypeVersions({ client }, TYPE);
      return (await Array.fromAsync(pages)).flatMap((page) => page.TypeVersionSummaries ?? []);
    });
    const versions = [];
    for (const { VersionId, Arn = '', TimeCreated, IsDefaultVersion } of summaries) {
      const { ExecutionRoleArn: role = 'no role' } = await callAws(`describing ${Arn}`, () =>
        client.send(new DescribeTypeCommand({ ...TYPE, VersionId })),
      );
      versions.push({ arn: Arn, createdAt: TimeCreated, role, isDefault: IsDefaultVersion });
    }
    const defaultRole = versions.find(({ isDefault }) => isDefault)?.role;
    if (defaultRole === undefined) return [];
    return versions
      .filter(({ role }) => role !== defaultRole)
      .map(({ arn, createdAt, role }) => ({ arn, createdAt, role, defaultRole }));
  });
}

/** CloudFormation calls what does not exist not valid. */
async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (hasErrorCode(error, 'InvalidRequest')) return undefined;
    throw error;
  }
}
