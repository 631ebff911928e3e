import type { User } from '@aws-sdk/client-iam';
import type { Users } from '../aws/users.ts';
import { HandlerError } from '../runtime/progress-event.ts';
import type { TypeConfiguration } from '../schema.ts';
import { hasTags, matchesAny } from './patterns.ts';

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
    isSet: ({ requirePermissionsBoundary }) => requirePermissionsBoundary !== false,
    admits: ({ PermissionsBoundary }, { requirePermissionsBoundary }) => {
      const arn = PermissionsBoundary?.PermissionsBoundaryArn;
      const patterns = requirePermissionsBoundary === true ? ['*'] : requirePermissionsBoundary;
      return arn !== undefined && matchesAny(patterns || [], arn);
    },
  },
  {
    name: 'RequiredUserTags',
    isSet: ({ requiredUserTags }) => requiredUserTags !== undefined,
    admits: ({ Tags = [] }, { requiredUserTags = [] }) => hasTags(Tags, requiredUserTags),
  },
];

const RULES_FOR_FOREIGN_KEYS = RULES.filter(({ name }) => /^AllowedUser/.test(name));

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
  return refuse(userName, configuration, users, RULES);
}

/** Whether the type configuration says which users' foreign keys are in scope. */
export function hasForeignScope(configuration: TypeConfiguration): boolean {
  return RULES_FOR_FOREIGN_KEYS.some(({ isSet }) => isSet(configuration));
}

/**
 * Refuses to change or delete a key that the type did not make, of a user whose path or name is out of
 * scope: whoever may import it would have power over another team's keys.
 */
export async function refuseForeignKeyOutOfScope(
  userName: string,
  configuration: TypeConfiguration,
  users: Users,
): Promise<void> {
  return refuse(userName, configuration, users, RULES_FOR_FOREIGN_KEYS);
}

async function refuse(
  userName: string,
  configuration: TypeConfiguration,
  users: Users,
  rules: readonly Rule[],
): Promise<void> {
  const set = rules.filter(({ isSet }) => isSet(configuration));
  if (set.length === 0) return;
  const user = await users.get(userName);
  const broken = set.find(({ admits }) => !admits(user, configuration));
  if (!broken) return;
  throw new HandlerError(
    'AccessDenied',
    `user ${userName} (path ${user.Path ?? '/'}) is out of scope: the type configuration's ${broken.name} does not admit it`,
  );
}
