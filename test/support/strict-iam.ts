import { refuse, type Answer, type AwsProxy, type Behaviour, type Call } from './aws-proxy.ts';
import { keyUnknown, unknownKeyDenied } from './recorded-answers.ts';

/** The most users, keys or tags on one page; IAM may stop short of MaxItems as it likes. */
export interface PageSizes {
  users: number;
  keys: number;
  tags: number;
}

const MAX_TAGS = 50;
const TAG_VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u;

const STATUSES: readonly unknown[] = ['Active', 'Inactive'];
const NEEDS_USER = [
  'CreateAccessKey',
  'DeleteAccessKey',
  'ListAccessKeys',
  'UpdateAccessKey',
  'GetUser',
  'ListUserTags',
  'TagUser',
  'UntagUser',
] as const satisfies string[];

/**
 * Makes moto behind the proxy as strict as IAM: it pages, takes a user name in any case, refuses
 * what IAM refuses, and in its words, knows an inactive key when it sees one, lets keys and tags
 * follow a renamed user, and has permissions boundaries.
 */
export function useStrictIam(proxy: AwsProxy): PageSizes {
  const pageSizes = { users: 1000, keys: 1000, tags: 1000 };
  proxy.use(refuseInItsWords);
  proxy.use(refuseWhatIamRefuses);
  proxy.use(refuseBadTags(proxy));
  proxy.use(keepBoundaries());
  proxy.use(moveTags(proxy));
  proxy.use(refuseInactiveKeys());
  proxy.use(renameOwners(proxy));
  proxy.use(ignoreCase(proxy));
  proxy.use((call, next) => {
    if (call.action === 'ListUsers') return paged(call, next, pageSizes.users, 'UserName');
    if (call.action === 'ListAccessKeys') return paged(call, next, pageSizes.keys, 'AccessKeyId');
    if (call.action === 'ListUserTags') return paged(call, next, pageSizes.tags, 'Key');
    return next(call);
  });
  return pageSizes;
}

/** Whoever asks about a key that nobody has is denied; moto says that there is none. */
const refuseInItsWords: Behaviour = async (call, next) => {
  const { action, parameters } = call;
  const answer = await next(call);
  if (answer.status !== 404 || !answer.body.includes('The Access Key with id')) return answer;
  const { AccessKeyId } = parameters;
  const { status, code, message } =
    action === 'GetAccessKeyLastUsed' ? unknownKeyDenied(AccessKeyId) : keyUnknown(AccessKeyId);
  return refuse(call, status, code, message);
};

const refuseWhatIamRefuses: Behaviour = (call, next) => {
  const { service, action, parameters } = call;
  if (service === 'iam' && NEEDS_USER.some((name) => name === action) && !parameters.UserName) {
    const message = 'Must specify userName when calling with non-User credentials';
    return refuse(call, 400, 'ValidationError', message);
  }
  if (action === 'UpdateAccessKey' && !STATUSES.includes(parameters.Status)) {
    return refuse(
      call,
      400,
      'ValidationError',
      'Member must satisfy enum value set: Active, Inactive',
    );
  }
  return next(call);
};

function refuseInactiveKeys(): Behaviour {
  const inactive = new Set<unknown>();
  return async (call, next) => {
    if (inactive.has(call.accessKeyId)) {
      return refuse(call, 403, 'InvalidClientTokenId', 'The security token is invalid.');
    }
    const answer = await next(call);
    if (call.action === 'UpdateAccessKey' && answer.status === 200) {
      const { AccessKeyId, Status } = call.parameters;
      if (Status === 'Inactive') inactive.add(AccessKeyId);
      else inactive.delete(AccessKeyId);
    }
    return answer;
  };
}

/** moto takes any tag, and any number of them. */
function refuseBadTags(proxy: AwsProxy): Behaviour {
  return async (call, next) => {
    if (call.service !== 'iam' || call.action !== 'TagUser') return next(call);
    const tags = tagsIn(call);
    if (tags.some(({ value }) => !TAG_VALUE.test(value))) {
      const message =
        "1 validation error detected: Value at 'tags.1.member.value' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*";
      return refuse(call, 400, 'ValidationError', message);
    }
    const { body } = await proxy.ask('ListUserTags', {
      UserName: String(call.parameters.UserName),
    });
    const keys = new Set([...valuesOf(body, 'Key'), ...tags.map(({ key }) => key)]);
    return keys.size > MAX_TAGS
      ? refuse(call, 409, 'LimitExceeded', `Cannot exceed quota for TagsPerUser: ${MAX_TAGS}`)
      : next(call);
  };
}

/** moto has none for users. */
function keepBoundaries(): Behaviour {
  const boundaries = new Map<unknown, string>();
  return async (call, next) => {
    const { action, parameters } = call;
    const boundary = boundaries.get(parameters.UserName);
    switch (action) {
      case 'PutUserPermissionsBoundary':
        boundaries.set(parameters.UserName, String(parameters.PermissionsBoundary));
        return {
          status: 200,
          headers: { 'content-type': 'text/xml' },
          body: `<${action}Response></${action}Response>`,
        };
      case 'GetUser': {
        const answer = await next(call);
        if (boundary === undefined) return answer;
        const element = `<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>${boundary}</PermissionsBoundaryArn></PermissionsBoundary>`;
        return { ...answer, body: answer.body.replace('</User>', `${element}</User>`) };
      }
      default:
        return next(call);
    }
  };
}

/** moto keeps a user's tags by name. */
function moveTags(proxy: AwsProxy): Behaviour {
  return async (call, next) => {
    const { UserName, NewUserName } = call.parameters;
    if (call.action !== 'UpdateUser' || NewUserName === undefined) return next(call);
    const { body } = await proxy.ask('ListUserTags', { UserName: String(UserName) });
    const keys = valuesOf(body, 'Key');
    const values = valuesOf(body, 'Value');
    const members = (name: string, texts: string[]) =>
      Object.fromEntries(texts.map((text, index) => [name.replace('N', `${index + 1}`), text]));
    const untagged = members('TagKeys.member.N', keys);
    await proxy.ask('UntagUser', { UserName: String(UserName), ...untagged });
    const answer = await next(call);
    await proxy.ask('TagUser', {
      UserName: String(answer.status === 200 ? NewUserName : UserName),
      ...members('Tags.member.N.Key', keys),
      ...members('Tags.member.N.Value', values),
    });
    return answer;
  };
}

function tagsIn({ parameters }: Call): { key: string; value: string }[] {
  const texts = parameters as Readonly<Record<string, string>>;
  const keys = Object.keys(texts).filter((name) => /^Tags\.member\.\d+\.Key$/.test(name));
  return keys.map((name) => ({
    key: texts[name] ?? '',
    value: texts[name.replace(/Key$/, 'Value')] ?? '',
  }));
}

/** moto renames a user and leaves the old name on the user's keys, by which it deletes them. */
function renameOwners(proxy: AwsProxy): Behaviour {
  const owners = new Map<unknown, { name: string; former: string }>();
  const rename = (UserName: string, NewUserName: string) =>
    proxy.ask('UpdateUser', { UserName, NewUserName });

  return async (call, next) => {
    const { action, parameters } = call;
    const owner = owners.get(parameters.AccessKeyId);
    if (action === 'DeleteAccessKey' && owner && owner.name === parameters.UserName) {
      await rename(owner.name, owner.former);
      const answer = await next({ ...call, parameters: { ...parameters, UserName: owner.former } });
      await rename(owner.former, owner.name);
      return answer;
    }
    const answer = await next(call);
    if (answer.status !== 200) return answer;
    switch (action) {
      case 'UpdateUser': {
        const name = String(parameters.NewUserName);
        const { body } = await proxy.ask('ListAccessKeys', { UserName: name });
        for (const id of valuesOf(body, 'AccessKeyId')) {
          owners.set(id, { name, former: owners.get(id)?.former ?? String(parameters.UserName) });
        }
        return answer;
      }
      case 'ListAccessKeys':
        return withUser(answer, String(parameters.UserName));
      case 'GetAccessKeyLastUsed':
        return owner ? withUser(answer, owner.name) : answer;
      default:
        return answer;
    }
  };
}

function withUser(answer: Answer, userName: string): Answer {
  const body = answer.body.replaceAll(
    /<UserName>[^<]*<\/UserName>/g,
    () => `<UserName>${userName}</UserName>`,
  );
  return { ...answer, body };
}

/** Where moto knows no such user, asks again for the one who is spelled in another case. */
function ignoreCase(proxy: AwsProxy): Behaviour {
  return async (call, next) => {
    const answer = await next(call);
    const { UserName } = call.parameters;
    if (call.service !== 'iam' || answer.status !== 404) return answer;
    if (typeof UserName !== 'string') return answer;
    const { body } = await proxy.ask('ListUsers', {});
    const stored = valuesOf(body, 'UserName').find(
      (name) => name !== UserName && name.toLowerCase() === UserName.toLowerCase(),
    );
    if (stored === undefined) return answer;
    return next({ ...call, parameters: { ...call.parameters, UserName: stored } });
  };
}

/** The marker is the last entry of a page: IAM goes on after it, also where it is gone by then. */
async function paged(
  call: Call,
  next: (call: Call) => Promise<Answer>,
  most: number,
  key: string,
): Promise<Answer> {
  const { MaxItems = 100, Marker = '' } = call.parameters;
  const answer = await next(call);
  if (answer.status !== 200) return answer;
  const keyOf = (member: string): string => valuesOf(member, key)[0] ?? '';
  const after = fromMarker(String(Marker));
  if (after === undefined) return refuse(call, 400, 'ValidationError', 'Invalid Marker');
  const members = (answer.body.match(/<member>.*?<\/member>/gs) ?? [])
    .map((member) => ({ member, key: keyOf(member) }))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .filter((entry) => entry.key > after);
  const page = members.slice(0, Math.min(Number(MaxItems), most));
  const isTruncated = page.length < members.length;
  const end = isTruncated
    ? `<IsTruncated>true</IsTruncated><Marker>${toMarker(page.at(-1)?.key ?? '')}</Marker>`
    : '<IsTruncated>false</IsTruncated>';
  const body = answer.body
    .replace(/<IsTruncated>.*?<\/IsTruncated>|<IsTruncated *\/>/s, '')
    .replace(
      /(<(Users|AccessKeyMetadata|Tags)>).*(<\/\2>)/s,
      (_, open: string, __, close: string) =>
        [open, ...page.map(({ member }) => member), close, end].join(''),
    );
  return { ...answer, body };
}

/** Opaque, as IAM's is. */
function toMarker(key: string): string {
  return Buffer.from(`after ${key}`).toString('base64');
}

function fromMarker(marker: string): string | undefined {
  if (marker === '') return '';
  return /^after (.+)$/s.exec(Buffer.from(marker, 'base64').toString())?.[1];
}

function valuesOf(xml: string, element: string): string[] {
  const values = xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'));
  return [...values].map(([, value = '']) => value);
}
