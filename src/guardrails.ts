import type { User } from '@aws-sdk/client-iam';
import type { AccessKey } from './access-keys.ts';
import type { Request, TypeConfiguration } from './model.ts';
import { HandlerError } from './runtime/progress-event.ts';
import type { StoredRecord } from './secret-store.ts';
import type { Users } from './users.ts';

interface Rule {
  readonly name: string;
  readonly isSet: (configuration: TypeConfiguration) => boolean;
  readonly admits: (user: User, configuration: TypeConfiguration) => boolean;
}

const RULES: readonly Rule[] = [
  {
    name: 'AllowedUserPaths',
    isSet: ({ allowedUserPaths }) => allowedUserPaths !== undefined,
    admits: ({ Path = '/' }, { allowedUserPaths = [] }) => matchesAny(allowedUserPaths, Path),
  },
  {
    name: 'AllowedUserNames',
    isSet: ({ allowedUserNames }) => allowedUserNames !== undefined,
    admits: ({ UserName = '' }, { allowedUserNames = [] }) =>
      matchesAny(allowedUserNames, UserName),
  },
  {
    name: 'RequirePermissionsBoundary',
    isSet: ({ requirePermissionsBoundary }) => requirePermissionsBoundary === true,
    admits: ({ PermissionsBoundary }) => PermissionsBoundary?.PermissionsBoundaryArn !== undefined,
  },
  {
    name: 'RequiredUserTags',
    isSet: ({ requiredUserTags }) => requiredUserTags !== undefined,
    admits: ({ Tags = [] }, { requiredUserTags = [] }) =>
      requiredUserTags.every(({ key, value }) =>
        Tags.some((tag) => tag.Key === key && matchesAny([value ?? '*'], tag.Value ?? '')),
      ),
  },
];

/**
 * Refuses a user whom the type configuration does not let have active keys.
 *
 * @throws HandlerError AccessDenied that names the rule, or NotFound for an unknown user.
 */
export async function refuseUserOutOfScope(
  userName: string,
  configuration: TypeConfiguration,
  users: Users,
): Promise<void> {
  const rules = RULES.filter(({ isSet }) => isSet(configuration));
  if (rules.length === 0) return;
  const user = await users.get(userName);
  const broken = rules.find(({ admits }) => !admits(user, configuration));
  if (!broken) return;
  throw new HandlerError(
    'AccessDenied',
    `user ${userName} (path ${user.Path ?? '/'}) is out of scope: the type configuration's ${broken.name} does not admit it`,
  );
}

/** Refuses a key that the user's other keys rule out. */
export function refuseByRecords(
  request: Request,
  before: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
): void {
  refuseSerial(request, records);
  refuseOneMore(request, before, records);
}

/**
 * A serial says which of two keys of one resource is the newer; without one nothing is said. It need
 * not rise where the user's spelling or the secret changes, which replaces the key by itself.
 */
function refuseSerial(request: Request, records: ReadonlyMap<string, StoredRecord>): void {
  const { model, logicalResourceId } = request;
  for (const [accessKeyId, record] of records) {
    if (!isOfSameResource(request, record) || record.serial === undefined) continue;
    if (record.userName !== model.userName || record.secretId !== model.secretId) continue;
    if ((model.serial ?? -1) > record.serial) continue;
    throw new HandlerError(
      'InvalidRequest',
      `creating access key for user ${model.userName}: Serial ${model.serial ?? '(none)'} is not higher than ` +
        `Serial ${record.serial} of ${logicalResourceId}'s access key ${accessKeyId}; increment it to rotate the key`,
    );
  }
}

/** The key that a rotation replaces does not count. More than two keys IAM itself refuses. */
function refuseOneMore(
  request: Request,
  before: readonly AccessKey[],
  records: ReadonlyMap<string, StoredRecord>,
): void {
  const { maxKeysPerUser } = request.typeConfiguration;
  const others = before.filter(({ accessKeyId }) => {
    const record = records.get(accessKeyId);
    return !record || !isOfSameResource(request, record);
  });
  if (maxKeysPerUser > 1 || others.length < maxKeysPerUser) return;
  const described = others.map(({ accessKeyId, status }) => `${accessKeyId} ${status}`).join(', ');
  throw new HandlerError(
    'ServiceLimitExceeded',
    `creating access key for user ${request.model.userName}: the type configuration's MaxKeysPerUser ` +
      `is ${maxKeysPerUser} and the user has ${described}`,
  );
}

function isOfSameResource({ stackId, logicalResourceId }: Request, record: StoredRecord): boolean {
  return (
    stackId !== undefined &&
    logicalResourceId !== undefined &&
    record.stackId === stackId &&
    record.logicalResourceId === logicalResourceId
  );
}

function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matches(pattern, text));
}

/** In the pattern, each * stands for any characters. Takes no longer the more of them there are. */
function matches(pattern: string, text: string): boolean {
  const [start = '', ...parts] = pattern.split('*');
  const end = parts.pop();
  if (end === undefined) return text === pattern;
  if (!text.startsWith(start)) return false;
  let position = start.length;
  for (const part of parts) {
    const found = text.indexOf(part, position);
    if (found === -1) return false;
    position = found + part.length;
  }
  return text.slice(position).endsWith(end);
}
