import { cloudFormation } from '../account.ts';
import type { Bench } from '../bench.ts';
import { start, type Way } from '../builds.ts';
import { startCrowdedIam } from '../crowded-iam.ts';
import type { Findings } from '../figure.ts';
import { residentMegabytes } from '../memory.ts';
import { median } from '../statistics.ts';

const USERS = [10, 100, 1_000, 5_000];

/** LIST of all pages beside the bare loop that asks for one user's keys after the other's. */
export async function measureList({ isQuick, say }: Bench): Promise<Findings> {
  const rows: string[][] = [];
  for (const users of isQuick ? USERS.slice(0, 2) : USERS) {
    for (const way of ['ours', 'bare'] as const) {
      say(`LIST of ${users} users, ${way}`);
      rows.push(await listOnce(way, users));
    }
  }
  return {
    tables: [
      {
        title: 'LIST at scale',
        head: [
          'users',
          'way',
          'keys',
          'ListUsers',
          'ListAccessKeys',
          'calls a user',
          'throttled',
          'longest page, s',
          'total, s',
          'ms a user',
          'memory first → last page, MB',
        ],
        rows,
        note: 'Against a stand-in for IAM with 50 ms a call that throttles beyond 20 requests a second (bucket of 20). Each user has at most two keys; a page is one invocation, which CloudFormation ends after 30 s. "bare" is the SDK in its default configuration, one call after another, the whole list at once.',
      },
    ],
  };
}

async function listOnce(way: Way, users: number): Promise<string[]> {
  const iam = await startCrowdedIam(users);
  const lambda = await start(way, iam.endpoint);
  const cfn = cloudFormation(lambda);
  const pages: number[] = [];
  const megabytes: number[] = [];
  const ids = new Set<unknown>();
  let nextToken: string | null | undefined;
  let failure: string | undefined;
  do {
    const page = await cfn.listPage({}, nextToken);
    pages.push(...page.milliseconds);
    megabytes.push(residentMegabytes(lambda.pid));
    for (const { Id } of page.resourceModels ?? []) ids.add(Id);
    if (page.status !== 'SUCCESS') failure = `${page.status} ${page.errorCode ?? ''}`;
    nextToken = page.nextToken;
  } while (nextToken && failure === undefined);
  await lambda.stop();
  await iam.stop();
  if (failure === undefined && ids.size !== iam.keys) failure = `not all of ${iam.keys}`;
  const { ListUsers, ListAccessKeys, throttled } = iam.counts;
  const total = pages.reduce((sum, milliseconds) => sum + milliseconds, 0);
  return [
    users.toLocaleString('en'),
    way,
    failure === undefined ? ids.size.toLocaleString('en') : `**${failure}**`,
    String(ListUsers),
    String(ListAccessKeys),
    ((ListUsers + ListAccessKeys) / users).toFixed(2),
    String(throttled),
    (Math.max(...pages) / 1000).toFixed(1),
    (total / 1000).toFixed(1),
    (total / users).toFixed(1),
    `${(megabytes[0] ?? NaN).toFixed(0)} → ${median(megabytes.slice(-3)).toFixed(0)}`,
  ];
}
