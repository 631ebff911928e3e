/** What AWS was recorded to answer, word by word, where it turns a call down. */

export interface Recorded {
  readonly status: number;
  readonly code: string;
  readonly message: string;
}

/** A call, in as far as the words depend on it. */
interface Asked {
  readonly service: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** What may be wrong with the KMS key of a SecureString. */
export type KmsFault = 'disabled' | 'pending deletion' | 'denied' | 'hidden';

const SESSION = 'arn:aws:sts::123456789012:assumed-role/execution/session';
const REGION_AND_ACCOUNT = 'us-east-1:123456789012';

/** IAM's permissions have this name where its endpoint has another. */
const PREFIXES: Readonly<Record<string, string>> = { monitoring: 'cloudwatch' };

/** To GetAccessKeyLastUsed, whoever asks: no colon after "perform", and no reason. */
export function unknownKeyDenied(accessKeyId: unknown): Recorded {
  return {
    status: 403,
    code: 'AccessDenied',
    message: `User: ${SESSION} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key ${String(accessKeyId)}`,
  };
}

/** SSM, Secrets Manager and CloudWatch Logs deny with status 400, IAM, STS and CloudWatch with 403. */
export function permissionDenied(asked: Asked): Recorded {
  const { service, action } = asked;
  const isJson = ['ssm', 'secretsmanager', 'logs'].includes(service);
  const permission = `${PREFIXES[service] ?? service}:${action}`;
  return {
    status: isJson ? 400 : 403,
    code: isJson ? 'AccessDeniedException' : 'AccessDenied',
    message: notAllowed(permission, resourceOf(asked)),
  };
}

export function userUnknown(userName: unknown): Recorded {
  return noSuchEntity(`The user with name ${String(userName)} cannot be found.`);
}

export function keyUnknown(accessKeyId: unknown): Recorded {
  return noSuchEntity(`The Access Key with id ${String(accessKeyId)} cannot be found.`);
}

/** Not recorded: nothing is published about what IAM says to whoever updates an expired key. */
export function keyExpired(accessKeyId: unknown): Recorded {
  return {
    status: 400,
    code: 'ValidationError',
    message: `The Access Key with id ${String(accessKeyId)} has expired and cannot be updated.`,
  };
}

/** Of GetParameters with decryption, for the whole call, and of PutParameter. */
export function kmsFailed(fault: KmsFault, keyId: string, isRead: boolean): Recorded {
  const arn = keyId.startsWith('arn:')
    ? keyId
    : `arn:aws:kms:${REGION_AND_ACCOUNT}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
  const from = (code: string): string =>
    `(Service: AWSKMS; Status Code: 400; Error Code: ${code}; Request ID: 0123abcd; Proxy: null)`;
  const denied = { status: 400, code: 'AccessDeniedException' };
  switch (fault) {
    case 'disabled':
      return {
        status: 400,
        code: 'InvalidKeyId',
        message: `${arn} is disabled. ${from('DisabledException')}`,
      };
    case 'pending deletion':
      return {
        status: 400,
        code: 'InvalidKeyId',
        message: `${arn} is pending deletion. ${from('KMSInvalidStateException')}`,
      };
    case 'denied': {
      const message = notAllowed(isRead ? 'kms:Decrypt' : 'kms:Encrypt', arn);
      return { ...denied, message: `${message} ${from('AccessDeniedException')}` };
    }
    case 'hidden':
      return {
        ...denied,
        message: `The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access. ${from('AccessDeniedException')}`,
      };
  }
}

/** Of PutParameter above its rate. */
export const RATE_EXCEEDED: Recorded = {
  status: 400,
  code: 'ThrottlingException',
  message: 'Rate exceeded',
};

function noSuchEntity(message: string): Recorded {
  return { status: 404, code: 'NoSuchEntity', message };
}

function notAllowed(permission: string, resource: string): string {
  return `User: ${SESSION} is not authorized to perform: ${permission} on resource: ${resource} because no identity-based policy allows the ${permission} action`;
}

function resourceOf({ service, parameters }: Asked): string {
  const { UserName, AccessKeyId, Name, Names, SecretId } = parameters as Readonly<
    Record<string, string | undefined>
  >;
  switch (service) {
    case 'iam':
      if (UserName !== undefined) return `user ${UserName}`;
      return AccessKeyId === undefined
        ? 'arn:aws:iam::123456789012:user/'
        : `access key ${AccessKeyId}`;
    case 'ssm': {
      const [name = ''] = [Names ?? Name ?? ''].flat();
      return `arn:aws:ssm:${REGION_AND_ACCOUNT}:parameter/${name.replace(/^\//, '')}`;
    }
    case 'secretsmanager':
      return `arn:aws:secretsmanager:${REGION_AND_ACCOUNT}:secret:${SecretId ?? ''}`;
    default:
      return '*';
  }
}
