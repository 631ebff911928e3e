import type { Answer, Behaviour, Call } from '../support/aws-proxy.ts';

const CREATE_DATE = '2020-02-03T04:05:06Z';
const NAME = /^crowd-\d+$/;

/** Beside the account's own users so many others, each with a key that was made years ago. */
export function crowd(users: number): Behaviour {
  return (call, next) => {
    if (call.action === 'ListUsers') return usersFrom(call, users);
    const { UserName } = call.parameters;
    const isOfCrowd = typeof UserName === 'string' && NAME.test(UserName);
    return call.action === 'ListAccessKeys' && isOfCrowd ? keysOf(UserName) : next(call);
  };
}

function usersFrom({ parameters }: Call, users: number): Answer {
  const start = Number(parameters.Marker ?? 0);
  const end = Math.min(start + Number(parameters.MaxItems ?? 100), users);
  const members = Array.from({ length: end - start }, (_, offset) => {
    const name = `crowd-${start + offset}`;
    return (
      `<member><Path>/</Path><UserName>${name}</UserName><UserId>AIDA${name}</UserId>` +
      `<Arn>arn:aws:iam::123456789012:user/${name}</Arn><CreateDate>${CREATE_DATE}</CreateDate></member>`
    );
  });
  const more =
    end < users
      ? `<IsTruncated>true</IsTruncated><Marker>${end}</Marker>`
      : '<IsTruncated>false</IsTruncated>';
  return answer('ListUsers', `<Users>${members.join('')}</Users>${more}`);
}

function keysOf(userName: string): Answer {
  const id = `AKIACROWD${userName.replace('crowd-', '').padStart(11, '0')}`;
  const member =
    `<member><UserName>${userName}</UserName><AccessKeyId>${id}</AccessKeyId>` +
    `<Status>Active</Status><CreateDate>${CREATE_DATE}</CreateDate></member>`;
  const list = `<AccessKeyMetadata>${member}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`;
  return answer('ListAccessKeys', list);
}

function answer(action: string, result: string): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'text/xml' },
    body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
  };
}
