import { setTimeout as sleep } from 'node:timers/promises';
import { refuse, startAwsProxy, type Answer, type Call } from '../test/support/aws-proxy.ts';

export interface CrowdedIam {
  readonly endpoint: string;
  readonly keys: number;
  readonly counts: { ListUsers: number; ListAccessKeys: number; throttled: number };
  stop(): Promise<void>;
}

const LATENCY_MILLISECONDS = 50;
const REQUESTS_A_SECOND = 20;
const CREATE_DATE = '2026-01-01T00:00:00Z';

/**
 * An IAM with many users, of whom each has none, one or two keys: it pages, takes its time over each
 * call, and throttles what goes beyond 20 requests a second.
 */
export async function startCrowdedIam(users: number): Promise<CrowdedIam> {
  const counts = { ListUsers: 0, ListAccessKeys: 0, throttled: 0 };
  const takeToken = tokenBucket();
  // Nothing is passed on to an AWS behind it.
  const proxy = await startAwsProxy('http://localhost:9');
  proxy.use(async (call) => {
    const isAdmitted = takeToken();
    await sleep(LATENCY_MILLISECONDS);
    if (!isAdmitted) {
      counts.throttled += 1;
      return refuse(call, 400, 'Throttling', 'Rate exceeded');
    }
    if (call.action === 'ListUsers') {
      counts.ListUsers += 1;
      return listUsers(call, users);
    }
    counts.ListAccessKeys += 1;
    return listAccessKeys(String(call.parameters.UserName));
  });
  const keys = Array.from({ length: users }, (_, index) => keysOf(index)).reduce(
    (sum, count) => sum + count,
    0,
  );
  return { endpoint: proxy.endpoint, keys, counts, stop: () => proxy.stop() };
}

/** Full at first: a second's requests may come at once. */
function tokenBucket(): () => boolean {
  let tokens = REQUESTS_A_SECOND;
  let filledAt = performance.now();
  return () => {
    const now = performance.now();
    const earned = ((now - filledAt) / 1000) * REQUESTS_A_SECOND;
    tokens = Math.min(REQUESTS_A_SECOND, tokens + earned);
    filledAt = now;
    if (tokens < 1) return false;
    tokens -= 1;
    return true;
  };
}

function listUsers({ parameters }: Call, users: number): Answer {
  const start = Number(parameters.Marker ?? 0);
  const end = Math.min(start + Number(parameters.MaxItems ?? 100), users);
  const members = Array.from({ length: end - start }, (_, offset) => {
    const name = nameOf(start + offset);
    return (
      `<member><Path>/</Path><UserName>${name}</UserName><UserId>AIDA${name}</UserId>` +
      `<Arn>arn:aws:iam::123456789012:user/${name}</Arn><CreateDate>${CREATE_DATE}</CreateDate></member>`
    );
  });
  const marker = end < users ? `<Marker>${end}</Marker>` : '';
  return answer('ListUsers', `<Users>${members.join('')}</Users>`, end < users, marker);
}

function listAccessKeys(userName: string): Answer {
  const index = Number(userName.replace('user-', ''));
  const members = Array.from(
    { length: keysOf(index) },
    (_, count) =>
      `<member><UserName>${userName}</UserName><AccessKeyId>AKIA${count}${String(index).padStart(15, '0')}</AccessKeyId>` +
      `<Status>Active</Status><CreateDate>${CREATE_DATE}</CreateDate></member>`,
  );
  const metadata = `<AccessKeyMetadata>${members.join('')}</AccessKeyMetadata>`;
  return answer('ListAccessKeys', metadata, false, '');
}

function answer(action: string, result: string, isTruncated: boolean, marker: string): Answer {
  const body =
    `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><${action}Result>` +
    `${result}<IsTruncated>${isTruncated}</IsTruncated>${marker}</${action}Result>` +
    `<ResponseMetadata><RequestId>local</RequestId></ResponseMetadata></${action}Response>`;
  return { status: 200, headers: { 'content-type': 'text/xml' }, body };
}

function nameOf(index: number): string {
  return `user-${index}`;
}

function keysOf(index: number): number {
  return index % 3;
}
