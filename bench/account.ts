import { CreateUserCommand, IAMClient, type IAMClientConfig } from '@aws-sdk/client-iam';
import { CloudFormation, type Outcome } from '../local/cloudformation.ts';
import type { LocalFunction } from '../local/lambda-container.ts';

export const region = 'us-east-1';
const accountId = '123456789012';
const credentials = {
  accessKeyId: 'ASIABENCHMARK0000000',
  secretAccessKey: 'caller-secret-0000',
  sessionToken: 'caller-token-0000',
};
const providerCredentials = {
  accessKeyId: 'ASIABENCHMARK0000001',
  secretAccessKey: 'provider-secret-0',
  sessionToken: 'provider-token-0',
};

/** CloudFormation in front of one function, with or without log delivery to the provider's account. */
export function cloudFormation(
  lambda: Pick<LocalFunction, 'invoke'>,
  { withLogs = false } = {},
): CloudFormation {
  return new CloudFormation({
    function: lambda,
    credentials,
    region,
    accountId,
    ...(withLogs && { providerCredentials, logGroup: 'org-iam-accesskey-logs' }),
  });
}

export async function makeUser(endpoint: string, UserName: string): Promise<string> {
  const iam = new IAMClient({ region, credentials, endpoint } satisfies IAMClientConfig);
  await iam.send(new CreateUserCommand({ UserName }));
  iam.destroy();
  return UserName;
}

/** A figure of a failed operation would be one of how fast it fails. */
export function succeeded(outcome: Outcome): Outcome {
  if (outcome.status !== 'SUCCESS') {
    throw new Error(`${outcome.status} ${String(outcome.errorCode)}: ${String(outcome.message)}`);
  }
  return outcome;
}

/** The time inside the function, of all invocations of the operation. */
export function millisecondsOf(outcome: Outcome): number {
  return succeeded(outcome).milliseconds.reduce((sum, milliseconds) => sum + milliseconds, 0);
}
