import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { startMoto } from '../local/moto-server.ts';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

/** Where the demo runs: a moto server of its own, or the account of an AWS profile. */
export interface Account {
  readonly isLocal: boolean;
  readonly accountId: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** Where every service is; undefined for AWS itself. */
  readonly endpoint: string | undefined;
  /** How long, in milliseconds, a change may take to show; moto shows it at once. */
  readonly patience: number;
  stop(): Promise<void>;
}

const AWS_PATIENCE_MILLISECONDS = 30_000;

export async function openLocalAccount(): Promise<Account> {
  const moto = await startMoto();
  return {
    isLocal: true,
    accountId: '123456789012',
    region: 'us-east-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local', sessionToken: 'local' },
    endpoint: moto.endpoint,
    patience: 0,
    stop: () => moto.stop(),
  };
}

/** The account that AWS_PROFILE and AWS_REGION lead to; AWS_ENDPOINT_URL is followed, too. */
export async function openProfileAccount(): Promise<Account> {
  const endpoint = process.env.AWS_ENDPOINT_URL;
  const { region, credentials } = await loadProfile();
  const { accountId } = await identify({ region, endpoint }, credentials);
  return {
    isLocal: false,
    accountId,
    region,
    credentials,
    endpoint,
    patience: AWS_PATIENCE_MILLISECONDS,
    stop: () => Promise.resolve(),
  };
}

async function loadProfile(): Promise<Pick<Account, 'region' | 'credentials'>> {
  const { config } = new STSClient({});
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await config.credentials();
    const credentials = { accessKeyId, secretAccessKey, sessionToken };
    return { region: await config.region(), credentials };
  } catch (error) {
    const { message } = error as Error;
    throw new Error(`AWS_PROFILE ${String(process.env.AWS_PROFILE)}: ${message}`, { cause: error });
  }
}

/** Whom AWS takes the holder of these credentials for. */
export async function identify(
  { region, endpoint }: Pick<Account, 'region' | 'endpoint'>,
  credentials: Credentials,
): Promise<{ accountId: string; arn: string }> {
  const sts = new STSClient({ region, credentials, ...(endpoint && { endpoint }) });
  const { Account: accountId = '', Arn: arn = '' } = await sts.send(
    new GetCallerIdentityCommand({}),
  );
  return { accountId, arn };
}
