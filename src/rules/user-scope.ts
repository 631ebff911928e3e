import type { User } from '@aws-sdk/client-iam';
import type { Users } from '../aws/users.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { TypeConfiguration } from '../schema.ts';

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
