import { parseArgs } from 'node:util';

export const USAGE = `Takes an access key through the life that CloudFormation would give it, every step through the
packaged function: delivered into a secret and rotated, then as a drop-in for AWS::IAM::AccessKey.

  make demo                                           on a local AWS that starts and ends with it
  make demo ARGS="--user NAME"                        the same, with a user of this name
  AWS_PROFILE=PROFILE make demo ARGS="--user NAME"    in the profile's account, after asking
  make demo-migrate                                   moves a key here from AWS::IAM::AccessKey

  --user NAME         the IAM user, ci-bot unless given; in an account it must be there and have no
                      access key. Only the keys and the secret that the demo made are deleted,
                      never the user.
  --migrate           what make demo-migrate does, with the templates of examples/migrate
  --yes               go on in an account without asking
  --function FOLDER   the unzipped package to run, build/TypeFunction unless given
  --help              show this

The profile's Region is its own or AWS_REGION. Beside the permissions of the handlers, which
resource-role.yaml lists, it needs iam:ListAccessKeys, ssm:GetParametersByPath and, for secrets named
ci/…, secretsmanager:CreateSecret, GetSecretValue and DeleteSecret.`;

export interface Options {
  readonly user: string | undefined;
  readonly folder: string;
  readonly yes: boolean;
  readonly migrate: boolean;
  readonly help: boolean;
}

export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** @throws UsageError for what is not among the options. */
export function toOptions(args: string[]): Options {
  try {
    const { values } = parseArgs({
      args,
      options: {
        user: { type: 'string' },
        migrate: { type: 'boolean', default: false },
        yes: { type: 'boolean', default: false },
        function: { type: 'string', default: 'build/TypeFunction' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const { user, migrate, yes, help, function: folder } = values;
    if (migrate && user !== undefined) throw new Error('the templates of --migrate name the user');
    return { user, folder, migrate, yes, help };
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n\n${USAGE}`);
  }
}
