import type { User } from '@aws-sdk/client-iam';
import type { TypeConfiguration } from './model.ts';
import { HandlerError } from './runtime/progress-event.ts';
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
    admits: ({ UserName = '' }, { allowedUserNames = [] }) => matchesAny(allowedUserNames, UserName),
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
  return patterns.some((pattern) => {
    const source = pattern.split('*').map((literal) => RegExp.escape(literal)).join('.*');
    return new RegExp(`^${source}$`, 's').test(text);
  });
}
